import { promises as dns } from 'node:dns';
import { connect, createServer, type Server as TcpServer, type Socket } from 'node:net';
import { Metadata, Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';
import { OperationsClient, OperationServiceError, type CloudOptions } from 'temporal-lro';
import { message, method } from '../src/apis/envelope';
import { listen } from './support/listen';
import { until } from './support/until';

const MAXIMUM = 64 * 1024 * 1024;
const like = (pattern: RegExp): unknown => expect.stringMatching(pattern);
const identity = (bytes: Buffer): Buffer => bytes;

/** The server's answer to a call; never answers when undefined. */
type Answer =
  { body: object } | { code: number; headers?: Record<string, string>; trailers?: Record<string, string | Buffer> };
type Call = { metadata: Metadata; timeLeftMs: number; cancelled: boolean; path: string };

let server: Server;
let calls: Call[];
let answer: (operationId: string) => Answer | undefined;
let address: string;
let client: OperationsClient;
/** Closed after each test, whether it passes or fails. */
let open: { close(): void }[];

const toMetadata = (values: Record<string, string | Buffer> = {}): Metadata => {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(values)) metadata.set(name, value);
  return metadata;
};

beforeEach(async () => {
  open = [];
  calls = [];
  answer = (id) => ({ body: { id } });
  server = new Server();
  for (const name of ['Get', 'Cancel']) {
    const { path, requestDeserialize, responseSerialize } = method(name);
    const handler: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
      const seen: Call = {
        metadata: call.metadata,
        timeLeftMs: Number(call.getDeadline()) - Date.now(),
        cancelled: false,
        path,
      };
      calls.push(seen);
      call.on('cancelled', () => (seen.cancelled = true));
      const { operationId = '' }: { operationId?: string } = requestDeserialize(call.request);
      const answered = answer(operationId);
      if (!answered) return;
      if ('body' in answered) return callback(null, responseSerialize(answered.body));
      if (answered.headers) call.sendMetadata(toMetadata(answered.headers));
      callback({ code: answered.code, details: 'no', metadata: toMetadata(answered.trailers) });
    };
    server.register(path, handler, identity, identity, 'unary');
  }
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (err, port) =>
      err ? reject(err) : resolve(port),
    ),
  );
  address = `127.0.0.1:${port}`;
  client = connectTo(address);
});

afterEach(() => {
  jest.useRealTimers();
  for (const each of open) each.close();
  server.forceShutdown();
});

function connectTo(endpoint: string, options: CloudOptions = {}): OperationsClient {
  const connected = OperationsClient.connect({ endpoint, plaintext: true, ...options });
  open.push(connected);
  return connected;
}

/** A TCP relay between client and server. It forwards bytes while `pass` is true, and swallows them otherwise. */
async function startWire(): Promise<{ address: string; connections: Socket[]; pass: boolean; close(): void }> {
  const wire = { address: '', connections: [] as Socket[], pass: true, close: (): void => undefined };
  const tcp: TcpServer = createServer((from) => {
    wire.connections.push(from);
    const to = connect(Number(address.split(':')[1]), '127.0.0.1');
    from.on('data', (bytes) => wire.pass && to.write(bytes)).on('error', () => undefined);
    to.on('data', (bytes) => wire.pass && from.write(bytes)).on('error', () => undefined);
    from.on('close', () => to.destroy());
  });
  wire.address = await listen(tcp);
  wire.close = () => {
    for (const socket of wire.connections) socket.destroy();
    tcp.close();
  };
  open.push(wire);
  return wire;
}

test.each(['get', 'cancel'] as const)('%s has a deadline, which is sent to the server', async (verb) => {
  answer = () => undefined;
  const hasty = connectTo(address, { requestTimeout: '200 ms' });
  await expect(hasty[verb]('x')).rejects.toMatchObject({
    name: 'OperationServiceError',
    codeName: 'DEADLINE_EXCEEDED',
  });
  const abort = new AbortController();
  const patient = client[verb]('x', { signal: abort.signal });
  await until(() => calls.length === 2);
  abort.abort();
  await expect(patient).rejects.toThrow();
  const [given, byDefault] = calls.map(({ timeLeftMs }) => timeLeftMs);
  expect(given).toBeLessThanOrEqual(200);
  expect(byDefault).toBeGreaterThan(5_000);
  expect(byDefault).toBeLessThanOrEqual(10_000);
});

test('a call to a host that accepts connections and sends nothing is given up at the deadline', async () => {
  const wire = await startWire();
  wire.pass = false;
  const hasty = connectTo(wire.address, { requestTimeout: '200 ms' });
  await expect(hasty.get('x')).rejects.toMatchObject({ codeName: 'DEADLINE_EXCEEDED' });
});

test('a call to a host on which nothing listens fails with UNAVAILABLE at once', async () => {
  const wire = await startWire();
  wire.close();
  const early = connectTo(wire.address);
  await expect(early.get('x')).rejects.toMatchObject({
    codeName: 'UNAVAILABLE',
    message: like(/^Get of default operation x: UNAVAILABLE: /),
  });
});

test('calls share one connection', async () => {
  const wire = await startWire();
  const sharing = connectTo(wire.address);
  await Promise.all(Array.from({ length: 50 }, (_, i) => (i % 2 ? sharing.get(`${i}`) : sharing.cancel(`${i}`))));
  expect(calls).toHaveLength(50);
  expect(wire.connections).toHaveLength(1);
});

test('only the configuration decides where calls go: no service config is read from DNS', async () => {
  const resolveTxt = jest.spyOn(dns, 'resolveTxt');
  const named = connectTo(`localhost:${address.split(':')[1]}`);
  await named.get('x');
  expect(resolveTxt).not.toHaveBeenCalled();
  resolveTxt.mockRestore();
});

test('a call names its client in the user-agent', async () => {
  await client.get('x');
  expect(calls[0]?.metadata.get('user-agent')[0]).toMatch(/^temporal-lro /);
});

test("a reply over gRPC's default limit of 4 MiB is accepted", async () => {
  const value = Buffer.alloc(5_000_000, 1);
  answer = (id) => ({ body: { id, done: true, response: { type_url: 'x/y.Z', value } } });
  expect(await client.get('x')).toMatchObject({ state: 'succeeded', response: { base64: value.toString('base64') } });
});

test('a reply that is too large to accept is an unreadable operation, and not an overloaded server', async () => {
  answer = (id) => ({ body: { id, done: true, response: { type_url: 'x/y.Z', value: Buffer.alloc(MAXIMUM) } } });
  await expect(client.get('x')).rejects.toMatchObject({
    type: 'OperationUnreadable',
    message: like(/^default operation x cannot be read: .*larger than 64 MiB/),
  });
});

const STATUS = message('google.rpc.Status').serialize({
  code: 8,
  message: 'no',
  details: [
    { type_url: 'type.googleapis.com/google.rpc.RequestInfo', value: Buffer.from('\n\x02r1') },
    { type_url: 'type.googleapis.com/x.Unknown', value: Buffer.from('abc') },
  ],
});

test('the details of an error are decoded, and kept as bytes when their type has no descriptor', async () => {
  answer = () => ({ code: 8, trailers: { 'grpc-status-details-bin': STATUS } });
  const error = await client.get('x').catch((err: unknown) => err);
  expect(error).toBeInstanceOf(OperationServiceError);
  expect(error).toMatchObject({
    code: 8,
    codeName: 'RESOURCE_EXHAUSTED',
    rawMessage: 'no',
    message: 'Get of default operation x: RESOURCE_EXHAUSTED: no',
    details: [
      { '@type': 'type.googleapis.com/google.rpc.RequestInfo', requestId: 'r1', servingData: '' },
      { '@type': 'type.googleapis.com/x.Unknown', base64: 'YWJj', problem: 'no descriptor of x.Unknown' },
    ],
  });
});

test('broken details do not change the rest of the error', async () => {
  answer = () => ({ code: 5, trailers: { 'grpc-status-details-bin': Buffer.from([255, 255]) } });
  await expect(client.get('x')).rejects.toMatchObject({ codeName: 'NOT_FOUND', rawMessage: 'no', details: [] });
});

test.each<[string, Answer]>([
  ['the headers', { code: 13, headers: { 'x-request-id': 'r1' } }],
  ['the trailers', { code: 13, headers: { a: 'b' }, trailers: { 'x-request-id': 'r1' } }],
  ['a reply of trailers only', { code: 13, trailers: { 'x-request-id': 'r1' } }],
])('the request id is found in %s', async (_, answered) => {
  answer = () => answered;
  await expect(client.get('x')).rejects.toMatchObject({ requestId: 'r1' });
});

describe('a signal that aborts', () => {
  const abandoned = { name: 'OperationServiceError', codeName: 'CANCELLED' };

  test('ends a call at once, and cancels it on the server', async () => {
    answer = () => undefined;
    const aborter = new AbortController();
    const call = client.get('x', { signal: aborter.signal });
    await until(() => calls.length > 0);
    aborter.abort();
    await expect(call).rejects.toMatchObject(abandoned);
    await until(() => calls[0]?.cancelled === true);
  });

  test('before the call sends nothing', async () => {
    await expect(client.cancel('x', { signal: AbortSignal.abort() })).rejects.toMatchObject(abandoned);
    await client.get('y');
    expect(calls).toHaveLength(1);
  });

  test('ends a call that waits for its turn, but not the call before it', async () => {
    const narrow = connectTo(address, { maxConcurrentRequests: 1, requestTimeout: '300 ms' });
    answer = (id) => (id === 'slow' ? undefined : { body: { id } });
    const slow = narrow.get('slow');
    const aborter = new AbortController();
    const waiting = narrow.get('x', { signal: aborter.signal });
    aborter.abort();
    await expect(waiting).rejects.toMatchObject(abandoned);
    await expect(slow).rejects.toMatchObject({ codeName: 'DEADLINE_EXCEEDED' });
    expect(await narrow.get('y')).toMatchObject({ id: 'y' });
    expect(calls).toHaveLength(2);
  });

  test('ends a call that waits for a token', async () => {
    let give = (): void => undefined;
    const token = new Promise<{ token: string }>((resolve) => (give = () => resolve({ token: 't' })));
    const tokenless = connectTo(address, { credentials: { getToken: () => token } });
    const aborter = new AbortController();
    const call = tokenless.get('x', { signal: aborter.signal });
    setImmediate(() => aborter.abort());
    await expect(call).rejects.toMatchObject(abandoned);
    give();
  });
});

test('a reply that is not an operation, or is another operation, is an error of the server', async () => {
  answer = () => ({ body: { id: 'other' } });
  await expect(client.get('x')).rejects.toMatchObject({
    codeName: 'INTERNAL',
    rawMessage: 'the reply is about another operation, "other"',
  });
  answer = () => ({ body: {} });
  await expect(client.get('x')).rejects.toMatchObject({
    codeName: 'INTERNAL',
    rawMessage: 'the reply names no operation',
  });
});
