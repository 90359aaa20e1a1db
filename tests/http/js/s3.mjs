// One thing with the JavaScript SDK: node s3.mjs COMMAND ARGUMENT... Everything else is in the
// environment: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, BUCKET.
import { createReadStream, createWriteStream, mkdirSync, readdirSync, readFileSync, statSync }
  from "node:fs";
import { dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { DeleteObjectCommand, DeleteObjectsCommand, GetObjectCommand, PutObjectCommand, S3Client,
  paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const Bucket = process.env.BUCKET;
const client = new S3Client({
  endpoint: process.env.AWS_ENDPOINT_URL, region: "us-east-1", forcePathStyle: true, maxAttempts: 1,
});

async function put(path, Key) {
  const upload = new Upload({ client, partSize: 5 << 20, queueSize: 4,
    params: { Bucket, Key, Body: readFileSync(path) } });
  await upload.done();
}

// A body of the SDK's own streaming form, in chunks with a trailer.
async function putStream(path, Key) {
  await client.send(new PutObjectCommand({ Bucket, Key, Body: createReadStream(path),
    ContentLength: statSync(path).size }));
}

async function get(Key, path) {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  mkdirSync(dirname(path), { recursive: true });
  await pipeline(Body, createWriteStream(path));
}

async function range(Key, first, last) {
  const answer = await client.send(
    new GetObjectCommand({ Bucket, Key, Range: `bytes=${first}-${last}` }));
  process.stdout.write(await answer.Body.transformToByteArray());
}

async function list(Prefix) {
  const keys = [];
  for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix }))
    keys.push(...(page.Contents ?? []).map((object) => object.Key));
  return keys;
}

async function print(Prefix) {
  process.stdout.write(JSON.stringify(await list(Prefix)));
}

async function syncUp(directory, prefix) {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile())
      await put(path, prefix + relative(directory, path));
  }
}

async function syncDown(prefix, directory) {
  for (const key of await list(prefix))
    await get(key, join(directory, key.slice(prefix.length)));
}

async function remove(Key) {
  await client.send(new DeleteObjectCommand({ Bucket, Key }));
}

async function removeAll(prefix) {
  const Objects = (await list(prefix)).map((Key) => ({ Key }));
  const { Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
  if (Errors?.length)
    throw new Error(JSON.stringify(Errors));
}

async function presign(method, Key) {
  const Command = method === "PUT" ? PutObjectCommand : GetObjectCommand;
  process.stdout.write(await getSignedUrl(client, new Command({ Bucket, Key }), { expiresIn: 600 }));
}

const commands = { put, putStream, get, range, list: print, syncUp, syncDown, remove, removeAll,
  presign };
await commands[process.argv[2]](...process.argv.slice(3));
