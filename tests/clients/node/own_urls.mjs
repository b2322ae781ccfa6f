// URLs that an answer gives, as a program sees them, and one of its own that a call takes. The first
// argument is the URL of the emulator, which the program has written into it.
import * as s3 from '@aws-sdk/client-s3';
import * as sqs from '@aws-sdk/client-sqs';
import { tell } from './tell.mjs';

const [own] = process.argv.slice(2);
const queues = new sqs.SQSClient();
const { QueueUrl } = await tell(queues, new sqs.GetQueueUrlCommand({ QueueName: 'orders' }));
// The client compares the digest of each body.
await tell(queues, new sqs.ReceiveMessageCommand({ QueueUrl }));
await tell(queues, new sqs.SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify({ see: `${own}/bucket/key` }) }));
const MultipartUpload = { Parts: [{ ETag: 'e', PartNumber: 1 }] };
const objects = new s3.S3Client();
await tell(objects, new s3.CompleteMultipartUploadCommand({ Bucket: 'shop', Key: 'k', UploadId: 'u', MultipartUpload }));
