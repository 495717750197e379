import { statusCode } from '../src/model/snapshot';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, MetricsBuffer, NativeConnection, Runtime } from '@temporalio/worker';
import {
  apiKey,
  googleCredentials,
  iamToken,
  metadataService,
  nebiusServiceAccountKey,
  operationFailure,
  OperationsClient,
  OperationsPlugin,
  serviceAccountKey,
  type CloudOptions,
} from 'temporal-lro';
import { startTemporalServer, type TemporalServer } from 'temporal-lro/testing';
import { awaitOperation, executeOperation } from 'temporal-lro/workflow-definitions';
import { message } from '../src/apis/envelope';
import { yandexApi } from '../src/apis/yandex';
import { CallFailure } from '../src/testing/server';
import { runWorker } from './support/environment';
import { authorizedKey, GuardedCloud, newGoogleToken, newToken } from './support/guarded-cloud';
import { listen } from './support/listen';
import { PROTO_DIRECTORY } from './support/proto';

const MARK = 'CANARY';
const CONTROL = 'c0ntrol';
const key = authorizedKey();
const wrongKey = authorizedKey();
const OPAQUE = `${MARK}-opaque-token-of-my-own-provider`;
const INSTANCE = newToken(`${MARK}instance`);
const GOOGLE = newGoogleToken(`${MARK}google`);
const API_KEY = `eyJ${Buffer.from(`${MARK}-api-key`).toString('base64url')}.${newToken(MARK).slice(-86)}`;

/** Everything that a run leaves behind, as text. */
const left: string[] = [];
const buffer = new MetricsBuffer({ maxBufferSize: 100_000 });
const jwts: string[] = [];

let directory: string;
let temporal: TemporalServer;
let cloud: GuardedCloud;
const ends: (() => Promise<unknown> | void)[] = [];
let client: Client;
const taskQueue = 'secrets';
let clouds: Record<string, CloudOptions>;
const echo = (authorization: string): string =>
  `Request was {authorization: ${authorization}}, token ${authorization.slice(7)}`;

beforeAll(async () => {
  const logger = new DefaultLogger('TRACE', (entry) => left.push(inspect(entry, { depth: Infinity })));
  Runtime.install({ logger, telemetryOptions: { logging: { forward: {}, filter: 'DEBUG' }, metrics: { buffer } } });
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    const spy = jest.spyOn(stream, 'write').mockImplementation((text: string | Uint8Array) => {
      left.push(String(text));
      return write(text);
    });
    ends.push(() => spy.mockRestore());
  }
  directory = mkdtempSync(join(tmpdir(), 'temporal-lro-'));
  ends.push(() => rmSync(directory, { recursive: true }));
  // A server of its own, whose files hold only the data of this run.
  const shared = process.env.TEMPORAL_ADDRESS;
  delete process.env.TEMPORAL_ADDRESS;
  temporal = await startTemporalServer({ dbFilename: join(directory, 'temporal.db') });
  process.env.TEMPORAL_ADDRESS = shared;

  cloud = await GuardedCloud.start(key.publicKey, MARK);
  ends.push(() => cloud.close());
  cloud.tokens.add(OPAQUE).add(INSTANCE).add(GOOGLE).add(API_KEY);
  cloud.before = ({ path, body }) => {
    if (/\/(Create|Exchange)$/.test(path)) jwts.push(...(body.toString().match(/eyJ[\w.-]{100,}/) ?? []));
  };
  cloud.operation = scripted;
  cloud.serve('/fakecloud.v1.NetworkService/Create', (authorization) => {
    throw new CallFailure(statusCode('FAILED_PRECONDITION'), echo(authorization), status(authorization));
  });
  const metadata = createServer((_, response) =>
    response.end(JSON.stringify({ access_token: INSTANCE, expires_in: 3600 })),
  );
  const address = await listen(metadata);
  ends.push(() => void metadata.close());
  const common = { plaintext: true, descriptors: [join(PROTO_DIRECTORY, 'fakecloud.binpb')] };
  const services = { fakecloud: cloud.address };
  const google = { getAccessToken: () => Promise.resolve({ token: GOOGLE, res: { config: { data: GOOGLE } } }) };
  const nebius = { serviceAccountId: 'serviceaccount-e00x', publicKeyId: 'k1', privateKey: key.file.private_key };
  const iam = { iamEndpoint: cloud.address, plaintext: true };
  // Operations as Yandex Cloud's, with tokens as Nebius's.
  const api = { ...yandexApi, name: 'mixed' };
  clouds = {
    key: { ...common, services, discovery: cloud.address, credentials: serviceAccountKey(key.file) },
    instance: { ...common, endpoint: cloud.address, credentials: metadataService({ address }) },
    opaque: { ...common, endpoint: cloud.address, credentials: iamToken(OPAQUE) },
    google: { ...common, endpoint: cloud.address, credentials: googleCredentials(google) },
    nebius: { ...common, api, endpoint: cloud.address, credentials: nebiusServiceAccountKey(nebius, iam) },
    apiKey: { ...common, endpoint: cloud.address, credentials: apiKey(API_KEY) },
    wrong: { ...common, discovery: cloud.address, credentials: serviceAccountKey(wrongKey.file) },
  };
  const connection = await NativeConnection.connect({ address: temporal.address });
  const clientConnection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection: clientConnection });
  const plugin = new OperationsPlugin({ clouds });
  left.push(inspect([plugin, clouds], { depth: Infinity, showHidden: true }), JSON.stringify(clouds));
  const workflowsPath = require.resolve('temporal-lro/workflow-definitions');
  const stop = await runWorker({ connection, taskQueue, workflowsPath, plugins: [plugin] });
  ends.push(
    () => connection.close(),
    () => clientConnection.close(),
    stop,
  );
});
afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A google.rpc.Status with the token in each field where a server can put it. */
function status(authorization: string): Buffer {
  const info = message('google.rpc.Status').serialize({ code: 9, message: authorization });
  const details = [{ type_url: 'type.googleapis.com/google.rpc.Status', value: info }, unknown(authorization)];
  return message('google.rpc.Status').serialize({ code: 9, message: echo(authorization), details });
}

/** An Any without a descriptor, which is passed on as bytes. */
const unknown = (text: string) => ({ type_url: 'type.googleapis.com/x.Unknown', value: Buffer.from(`\n${text}`) });

const polls = new Map<string, number>();

/** What an operation returns, by its ID: a cloud that echoes the token wherever it can. */
function scripted(id: string, authorization: string): object {
  const poll = (polls.get(id) ?? 0) + 1;
  polls.set(id, poll);
  const failure = (code: Parameters<typeof statusCode>[0]): never => {
    throw new CallFailure(statusCode(code), echo(authorization), status(authorization));
  };
  const [, kind] = id.split('.');
  const common = { id, description: authorization, metadata: unknown(authorization), createdBy: authorization };
  switch (kind) {
    case 'response':
      return { ...common, done: true, response: unknown(authorization) };
    case 'failed': {
      const { code, details } = { code: 13, details: [unknown(authorization)] };
      return { ...common, done: true, error: { code, message: echo(authorization), details } };
    }
    case 'flaky':
      return poll < 3 ? failure('UNAVAILABLE') : { ...common, done: true, response: unknown(authorization) };
    case 'denied':
      return failure('PERMISSION_DENIED');
    case 'lost':
      return failure('NOT_FOUND');
    case 'refused':
      return failure('UNAUTHENTICATED');
    default:
      return common;
  }
}

const failureOf = (result: Promise<unknown>): Promise<string | undefined> =>
  result.then(
    () => 'a response',
    (err: unknown) => {
      left.push(inspect(err, { depth: Infinity }));
      return operationFailure(err)?.type;
    },
  );

const started: WorkflowHandle[] = [];

async function start(cloudName: string, kind: string, options = {}): Promise<WorkflowHandle> {
  const handle = await client.workflow.start(awaitOperation, {
    taskQueue,
    workflowId: randomUUID(),
    args: [
      { cloud: cloudName, operationId: `${CONTROL}-${cloudName}.${kind}`, poll: { initialInterval: 50 }, ...options },
    ],
  });
  started.push(handle);
  return handle;
}

test('a response is passed on as it is, with what looks like a secret in it', async () => {
  const secret = newToken('of-somebody-else');
  const { opaque } = clouds;
  if (!opaque) throw new Error('There is no such cloud');
  cloud.operation = (id) => ({ id, done: true, response: unknown(secret) });
  const plain = OperationsClient.connect(opaque);
  const found = await plain.get('done');
  plain.close();
  cloud.operation = scripted;
  expect(found).toMatchObject({ response: { base64: Buffer.from(`\n${secret}`).toString('base64') } });
});

test('no token, key or JWT is left in any history, log, metric or database, whatever the cloud echoes', async () => {
  const expected = {
    response: 'a response',
    failed: 'OperationFailed',
    flaky: 'a response',
    denied: 'OperationServiceError',
    lost: 'OperationNotFound',
    refused: 'OperationServiceError',
  };
  const names = ['key', 'instance', 'opaque', 'google', 'nebius', 'apiKey'];
  const runs = names.flatMap((name) => Object.entries(expected).map(([kind, end]) => ({ name, kind, end })));
  const ended = runs.map(async ({ name, kind }) => failureOf((await start(name, kind)).result()));
  expect(await Promise.all(ended)).toEqual(runs.map(({ end }) => end));
  expect(await failureOf((await start('wrong', 'response')).result())).toBe('OperationServiceError');
  const running = await start('key', 'running', { cancelTimeout: 200 });
  await running.query('operation');
  await running.cancel();
  expect(await failureOf(running.result())).toBe('OperationStillRunning');
  const execution = await client.workflow.start(executeOperation, {
    taskQueue,
    workflowId: randomUUID(),
    args: [{ cloud: 'key', method: 'fakecloud.v1.NetworkService/Create', request: { name: CONTROL } }],
  });
  started.push(execution);
  expect(await failureOf(execution.result())).toBe('OperationServiceError');
  const { key: options } = clouds;
  if (options) {
    const plain = OperationsClient.connect(options);
    left.push(inspect(plain, { depth: Infinity, showHidden: true }));
    for (const kind of ['failed', 'denied', 'response']) {
      const found: unknown = await plain.get(`${CONTROL}-plain.${kind}`).catch((err: unknown) => err);
      left.push(inspect(found, { depth: Infinity, showHidden: true }));
    }
    plain.close();
  }

  for (const handle of started) {
    const history = await handle.fetchHistory();
    const description = await handle.describe();
    left.push(readable(history), readable(description.raw));
  }
  left.push(...[...buffer.retrieveUpdates()].map((update) => inspect(update, { depth: Infinity })));
  // A stopped server has flushed everything to disk.
  for (const end of ends.splice(-3).reverse()) await end();
  await temporal.stop();
  const files = readdirSync(directory).map((file) => readFileSync(join(directory, file)));

  const secrets = [
    ...[...cloud.tokens].flatMap(parts),
    ...jwts.flatMap((jwt) => parts(jwt.split('.')[2] ?? '')),
    ...[key, wrongKey].flatMap(({ file }) => file.private_key.split('\n').slice(1, -2)),
  ];
  const text = left.join('\n');
  // Shows that the search works: the runs are found in the places that it searches.
  expect(text).toContain(`${CONTROL}-key.failed`);
  expect(text).toContain('temporal_activity');
  expect(files.some((file) => file.includes(`${CONTROL}-key.failed`))).toBe(true);
  const hits = secrets.filter((secret) => text.includes(secret) || files.some((file) => file.includes(secret)));
  process.stdout.write(
    `${secrets.length} secrets, ${started.length} workflows, ${text.length} characters, ${files.length} files: ${hits.length} hits\n`,
  );
  expect(jwts.length).toBeGreaterThan(0);
  expect(hits).toEqual([]);
}, 60_000);

/** The secret and long pieces of it, too long to match by accident: databases split their values. */
function parts(secret: string): string[] {
  return [secret, secret.slice(-20), secret.slice(-60, -30)].filter((part) => part.length >= 20);
}

/** The text and what is encoded in it: the text of payloads, and of bytes that were passed on as base64. */
function readable(value: unknown): string {
  const texts: string[] = [];
  const visit = (member: unknown): void => {
    if (member instanceof Uint8Array) {
      const text = Buffer.from(member).toString();
      texts.push(text);
      for (const [, base64 = ''] of text.matchAll(/"base64":"([^"]+)"/g))
        texts.push(Buffer.from(base64, 'base64').toString());
    } else if (typeof member === 'object' && member !== null) Object.values(member).forEach(visit);
    else texts.push(String(member));
  };
  visit(value);
  return texts.join('\n');
}
