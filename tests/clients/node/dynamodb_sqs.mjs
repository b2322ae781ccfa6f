// Uses DynamoDB and SQS with the SDK for JavaScript.
import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as sqs from '@aws-sdk/client-sqs';
import { line, tell } from './tell.mjs';

async function carts() {
  const client = new dynamodb.DynamoDBClient();
  const send = (Command, input) => tell(client, new Command({ TableName: 'carts', ...input }));
  await send(dynamodb.CreateTableCommand, {
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'user', KeyType: 'HASH' }, { AttributeName: 'line', KeyType: 'RANGE' }],
    AttributeDefinitions: [{ AttributeName: 'user', AttributeType: 'S' }, { AttributeName: 'line', AttributeType: 'N' }],
  });
  for (const number of [0, 1, 2]) {
    const Item = {
      user: { S: 'zoë' },
      line: { N: String(number) },
      photo: { B: Uint8Array.of(number, 255) },
      box: { M: { weight: { N: '1.50' }, tags: { SS: ['new', 'sale'] }, note: { NULL: true } } },
    };
    await send(dynamodb.PutItemCommand, { Item });
  }
  const Key = { user: { S: 'zoë' }, line: { N: '1' } };
  await send(dynamodb.GetItemCommand, { Key, ConsistentRead: true });
  await send(dynamodb.DeleteItemCommand, { Key, ConditionExpression: 'attribute_exists(amount)' });
  const query = { TableName: 'carts', KeyConditionExpression: '#u = :u' };
  const names = { ExpressionAttributeNames: { '#u': 'user' }, ExpressionAttributeValues: { ':u': { S: 'zoë' } } };
  for await (const page of dynamodb.paginateQuery({ client, pageSize: 2 }, { ...query, ...names })) {
    line('page', page.$metadata.attempts, page.Items.map(({ line }) => line.N));
  }
  const Put = { TableName: 'carts', Item: { user: { S: 'max' }, line: { N: '7' } } };
  await tell(client, new dynamodb.TransactWriteItemsCommand({ TransactItems: [{ Put }] }));
  await send(dynamodb.GetItemCommand, { TableName: 'no-such-table', Key });
}

async function jobs() {
  // Else it calls the host in the queue's URL, whatever endpoint its environment names.
  const client = new sqs.SQSClient({ useQueueUrlAsEndpoint: false });
  const { QueueUrl } = await tell(client, new sqs.CreateQueueCommand({ QueueName: 'jobs', Attributes: { VisibilityTimeout: '30' } }));
  const send = (Command, input) => tell(client, new Command({ QueueUrl, ...input }));
  await send(sqs.SendMessageCommand, {
    MessageBody: 'first <job> & more',
    MessageAttributes: { kind: { DataType: 'String', StringValue: 'small' } },
  });
  const Entries = ['a', 'b'].map((Id) => ({ Id, MessageBody: `job ${Id}` }));
  await send(sqs.SendMessageBatchCommand, { Entries });
  const { Messages } = await send(sqs.ReceiveMessageCommand, { MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] });
  for (const { ReceiptHandle } of Messages) await send(sqs.DeleteMessageCommand, { ReceiptHandle });
  await send(sqs.ReceiveMessageCommand, {});
  await send(sqs.GetQueueAttributesCommand, { AttributeNames: ['QueueArn', 'VisibilityTimeout'] });
  await send(sqs.DeleteMessageCommand, { ReceiptHandle: 'no-such-handle' });
  await tell(client, new sqs.GetQueueUrlCommand({ QueueName: 'no-such-queue' }));
  await send(sqs.DeleteQueueCommand, {});
}

await carts();
await jobs();
