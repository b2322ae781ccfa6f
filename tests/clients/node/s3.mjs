// Uses S3 with the SDK for JavaScript: objects, streams, pages, parts, copies, presigned URLs, and
// what fails.
import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import * as s3 from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { line, tell } from './tell.mjs';

const BUCKET = 'ferrotape-tests';
const ODD_KEY = 'notes/a b+ü&(1).txt';
const BINARY = Buffer.from(Array.from({ length: 2048 }, (_, index) => index % 256));

const client = new s3.S3Client();
const send = (Command, input = {}) => tell(client, new Command({ Bucket: BUCKET, ...input }));

// What a program without an SDK does with a URL it was given. (`fetch` takes no proxy from the
// environment before Node 24.)
async function presigned(Command, input, method = 'GET', body = undefined) {
  const url = await getSignedUrl(client, new Command({ Bucket: BUCKET, ...input }), { expiresIn: 600 });
  const answer = await new Promise((resolve, reject) => {
    const { request: ask } = url.startsWith('https:') ? https : http;
    ask(url, { method }, resolve).on('error', reject).end(body);
  });
  line(`presigned ${Command.name}`, 1, { status: answer.statusCode, etag: answer.headers.etag, body: await text(answer) });
}

async function objects() {
  await send(s3.PutObjectCommand, { Key: 'plain.txt', Body: 'hello\n', ContentType: 'text/plain', Metadata: { colour: 'blue' } });
  await send(s3.PutObjectCommand, { Key: ODD_KEY, Body: 'zoë\r\n', Tagging: 'team=a&stage=b' });
  // A stream is sent in chunks with its checksum behind it, whatever the door.
  const pieces = [BINARY.subarray(0, 700), BINARY.subarray(700)];
  await send(s3.PutObjectCommand, { Key: 'binary', Body: Readable.from(pieces), ContentLength: BINARY.length, ChecksumAlgorithm: 'CRC32C' });
  await send(s3.PutObjectCommand, { Key: 'whole', Body: BINARY, ChecksumAlgorithm: 'SHA256' });
  await send(s3.PutObjectCommand, { Key: 'packed.gz', Body: gzipSync('packed '.repeat(40)), ContentEncoding: 'gzip' });
  for (const Key of ['plain.txt', ODD_KEY, 'binary', 'whole', 'packed.gz']) await send(s3.GetObjectCommand, { Key });
  await send(s3.GetObjectCommand, { Key: 'binary', Range: 'bytes=250-260' });
  const { ETag } = await send(s3.HeadObjectCommand, { Key: 'packed.gz' });
  await send(s3.GetObjectCommand, { Key: 'packed.gz', IfNoneMatch: ETag });
}

async function failures() {
  await send(s3.GetObjectCommand, { Key: 'no-such-key' });
  await send(s3.HeadObjectCommand, { Key: 'no-such-key' });
  await send(s3.CopyObjectCommand, { Key: 'copy', CopySource: `${BUCKET}/no-such-key` });
  await send(s3.ListObjectsV2Command, { Bucket: 'no-such-bucket-of-ours' });
}

async function pages() {
  await send(s3.CopyObjectCommand, { Key: 'copies/one', CopySource: `${BUCKET}/${encodeURIComponent(ODD_KEY)}` });
  for await (const page of s3.paginateListObjectsV2({ client, pageSize: 2 }, { Bucket: BUCKET })) {
    line('page', page.$metadata.attempts, page.Contents.map(({ Key, Size, ETag }) => ({ Key, Size, ETag })));
  }
  await send(s3.ListObjectsV2Command, { Delimiter: '/' });
  await send(s3.GetBucketLocationCommand);
}

async function parts() {
  const { UploadId } = await send(s3.CreateMultipartUploadCommand, { Key: 'parts', ChecksumAlgorithm: 'CRC32' });
  const Parts = [];
  for (const [index, Body] of ['first part ', 'second part'].entries()) {
    const PartNumber = index + 1;
    const { ETag } = await send(s3.UploadPartCommand, { Key: 'parts', UploadId, PartNumber, Body });
    Parts.push({ PartNumber, ETag });
  }
  const source = { CopySource: `${BUCKET}/binary`, CopySourceRange: 'bytes=65-90' };
  const { CopyPartResult } = await send(s3.UploadPartCopyCommand, { Key: 'parts', UploadId, PartNumber: 3, ...source });
  Parts.push({ PartNumber: 3, ETag: CopyPartResult.ETag });
  await send(s3.ListPartsCommand, { Key: 'parts', UploadId });
  await send(s3.CompleteMultipartUploadCommand, { Key: 'parts', UploadId, MultipartUpload: { Parts } });
  await send(s3.GetObjectCommand, { Key: 'parts' });
  await send(s3.ListPartsCommand, { Key: 'parts', UploadId: 'no-such-upload' });
}

async function urls() {
  await presigned(s3.GetObjectCommand, { Key: ODD_KEY });
  await presigned(s3.PutObjectCommand, { Key: 'by-url' }, 'PUT', 'by a URL');
  await presigned(s3.GetObjectCommand, { Key: 'by-url', ResponseContentType: 'text/html' });
  await presigned(s3.GetObjectCommand, { Key: 'no-such-key' });
}

async function selection() {
  await send(s3.PutObjectCommand, { Key: 'people.csv', Body: 'name,age\nann,31\nbob,29\n' });
  await send(s3.SelectObjectContentCommand, {
    Key: 'people.csv',
    Expression: 'SELECT name FROM S3Object',
    ExpressionType: 'SQL',
    InputSerialization: { CSV: { FileHeaderInfo: 'USE' } },
    OutputSerialization: { JSON: {} },
  });
}

async function deletions() {
  await send(s3.DeleteObjectCommand, { Key: 'plain.txt' });
  await send(s3.GetObjectCommand, { Key: 'plain.txt' });
  const { Contents } = await send(s3.ListObjectsV2Command);
  await send(s3.DeleteObjectsCommand, { Delete: { Objects: Contents.map(({ Key }) => ({ Key })) } });
  await send(s3.DeleteBucketCommand);
}

await send(s3.CreateBucketCommand);
for (const act of [objects, failures, pages, parts, urls, selection, deletions]) await act();
