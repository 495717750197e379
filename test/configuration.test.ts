import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import {
  nebius,
  nebiusServiceAccountKey,
  operationFailure,
  OperationsClient,
  OperationsPlugin,
  serviceAccountKey,
  yandexCloud,
  type CloudOptions,
} from 'temporal-lro';
import { FakeCloud } from 'temporal-lro/testing';
import { awaitOperation } from 'temporal-lro/workflow-definitions';
import { authorizedKey } from './support/guarded-cloud';
import { CLOUD, quietRuntime, runWorker } from './support/environment';
import { CREDENTIALS, MARK } from './support/left-behind';

const LOCAL = { endpoint: '127.0.0.1:1', plaintext: true };
const tls = (name: string): string => join('test/support/tls', name);
const key = authorizedKey().file;
const nebiusKey = { serviceAccountId: 's', publicKeyId: 'k', privateKey: key.private_key };

/** The error that `make` throws: an OperationConfigurationError with our message, thrown from our code. */
function refusal(make: () => unknown): string {
  try {
    make();
  } catch (err) {
    const failure = operationFailure(err);
    if (failure?.type !== 'OperationConfigurationError') throw err;
    // The first stack line that is not of Temporal's ApplicationFailure must be in our code.
    expect(inspect(err)).not.toMatch(/node_modules\/(@grpc|@bufbuild|jose)/);
    return failure.message;
  }
  throw new Error('It was accepted.');
}

test.each<[string, object, RegExp]>([
  ['nothing', {}, /endpoint is undefined: give the host:port of the OperationService, or use yandexCloud\(\)/],
  [
    'both an endpoint and discovery',
    { endpoint: 'a:1', discovery: 'b:1' },
    /discovery is "b:1": give either discovery or endpoint/,
  ],
  ['a host without a port', { endpoint: 'operation.example' }, /endpoint is "operation\.example": give "host:port"/],
  ['a URL', { endpoint: 'https://operation.example:443' }, /endpoint is "https:.*": give "host:port"/],
  ['a port that is none', { endpoint: 'operation.example:70000' }, /give "host:port"/],
  ['a service without a port', { ...LOCAL, services: { 'a.b': 'x' } }, /services\["a\.b"\] is "x": give "host:port"/],
  [
    'plain text to another machine',
    { endpoint: 'example:80', plaintext: true },
    /plaintext is true: example:80 is not on/,
  ],
  [
    'plain text to a discovery elsewhere',
    { discovery: 'example:80', plaintext: true },
    /plaintext is true: example:80 is not on this machine, and tokens must not cross a network unencrypted/,
  ],
  ['a misspelt option', { ...LOCAL, endpiont: 'a:1' }, /endpiont is "a:1": unknown option; known are endpoint, disc/],
  ['a flag that is a word', { ...LOCAL, watch: 'no' }, /watch is "no": give true or false/],
  ['a timeout over 30 s', { ...LOCAL, requestTimeout: '1 min' }, /requestTimeout is "1 min": give at most 30 s/],
  ['a limit of 0', { ...LOCAL, maxRequestsPerSecond: 0 }, /maxRequestsPerSecond is 0: give a number above 0/],
  ['half a call at once', { ...LOCAL, maxConcurrentRequests: 0.5 }, /maxConcurrentRequests is 0\.5: /],
  ['a file that is a number', { ...LOCAL, tls: { rootCertificates: 5 } }, /tls\.rootCertificates is 5: give a string/],
  ['progress that is a list', { ...LOCAL, progress: [] }, /progress is an array: give an object/],
  ['descriptors that are no list', { ...LOCAL, descriptors: 'set.binpb' }, /descriptors is "set\.binpb": give a list/],
  ['descriptors that are not there', { ...LOCAL, descriptors: ['none.binpb'] }, /cannot read none\.binpb: .*ENOENT/],
  ['descriptors that are none', { ...LOCAL, descriptors: ['package.json'] }, /package\.json.*(FileDescriptorSet)/],
  [
    'certificates that are not there',
    { ...LOCAL, tls: { rootCertificates: 'none' } },
    /tls\.rootCertificates is "none": .*ENOENT/,
  ],
  ['certificates that are no PEM', { ...LOCAL, tls: { rootCertificates: 'package.json' } }, /this one holds no PEM/],
  [
    'a key without its certificate',
    { ...LOCAL, tls: { clientKey: tls('client.key') } },
    /tls\.clientCertificate is undef/,
  ],
  [
    'a key of another certificate',
    { ...LOCAL, tls: { clientKey: tls('server.key'), clientCertificate: tls('client.pem') } },
    /tls\.clientKey is ".*server\.key": give the key that belongs to tls\.clientCertificate/,
  ],
  ['an unknown file', { ...LOCAL, tls: { ca: 'ca.pem' } }, /tls\.ca is "ca\.pem": unknown option/],
  [
    'a token in place of credentials',
    { ...LOCAL, credentials: 't1.s3cret' },
    /credentials is "a string": give iamToken/,
  ],
  [
    'a key for a cloud whose token service nobody can guess',
    { endpoint: 'lro.example:443', credentials: serviceAccountKey(key) },
    /credentials is "a service account key": set its iamEndpoint: .*cannot be derived from lro\.example:443/,
  ],
  [
    'a key of Yandex Cloud for Nebius',
    nebius({ credentials: serviceAccountKey(key, { iamEndpoint: 'iam.example:443' }) }),
    /credentials is "a service account key for the api yandex": give credentials of this cloud, whose api is nebius/,
  ],
  [
    'a key of Nebius for Yandex Cloud',
    yandexCloud({ credentials: nebiusServiceAccountKey(nebiusKey) }),
    /credentials is "a service account key for the api nebius": give credentials of this cloud, whose api is yandex/,
  ],
])(
  'a cloud configured with %s is refused by plugin and client alike, which say what to change',
  (_, options, message) => {
    const given: CloudOptions = options;
    expect(refusal(() => new OperationsPlugin({ clouds: { yandex: given } }))).toMatch(message);
    expect(refusal(() => OperationsClient.connect(given))).toMatch(message);
    expect(refusal(() => OperationsClient.connect(given))).not.toContain('s3cret');
  },
);

test.each<[string, object, RegExp]>([
  ['an unknown option', { iamEndpiont: 'a:1' }, /serviceAccountKey: iamEndpiont is "a:1": unknown option/],
  [
    'a token service without a port',
    { iamEndpoint: 'iam.example' },
    /serviceAccountKey: iamEndpoint is "iam\.example": /,
  ],
  [
    'plain text to another machine',
    { iamEndpoint: 'iam.example:80', plaintext: true },
    /serviceAccountKey: plaintext is true: iam\.example:80 is not on this machine/,
  ],
])('a service account key with %s is refused', (_, options, message) => {
  expect(refusal(() => serviceAccountKey(key, options))).toMatch(message);
});

test.each<[string, object, RegExp]>([
  ['no clouds', { clouds: {} }, /OperationsPlugin: clouds is "\{\}": configure at least one cloud/],
  ['a list of clouds', { clouds: [] }, /OperationsPlugin: clouds is an array: give an object/],
  [
    'a name that workflows cannot give',
    { clouds: { 'a/b': LOCAL } },
    /OperationsPlugin: cloud is "a\/b": give the name/,
  ],
  ['a cloud that is none', { clouds: { a: 'b' } }, /cloud "a": options is "b": give an object/],
  ['an unknown option', { clouds: { a: LOCAL }, cluods: 1 }, /OperationsPlugin: cluods is 1: unknown option/],
])('a plugin with %s is refused', (_, options, message) => {
  expect(refusal(() => Reflect.construct(OperationsPlugin, [options]))).toMatch(message);
});

test('a service account key finds its token service from a preset with another endpoint, and from an endpoint named operation.*', () => {
  const credentials = serviceAccountKey(key);
  expect(() => OperationsClient.connect(yandexCloud({ endpoint: 'lro.example:443', credentials }))).not.toThrow();
  expect(() => OperationsClient.connect({ endpoint: 'operation.api.example:443', credentials })).not.toThrow();
});

describe('a plugin on a worker', () => {
  let cloud: FakeCloud;
  let connection: NativeConnection;
  let clientConnection: Connection;
  beforeAll(async () => {
    quietRuntime();
    const address = { address: process.env.TEMPORAL_ADDRESS ?? '' };
    cloud = await FakeCloud.start();
    connection = await NativeConnection.connect(address);
    clientConnection = await Connection.connect(address);
  });
  afterAll(async () => {
    await cloud.close();
    await connection.close();
    await clientConnection.close();
  });

  const options = (plugins: WorkerOptions['plugins'], activities: object = {}): WorkerOptions => ({
    connection,
    taskQueue: `test-${randomUUID()}`,
    workflowsPath: require.resolve('temporal-lro/workflow-definitions'),
    ...(plugins && { plugins }),
    activities,
  });
  const plugin = (name: string): OperationsPlugin =>
    new OperationsPlugin({
      clouds: { [name]: { endpoint: cloud.address, plaintext: true, credentials: CREDENTIALS } },
    });

  test('that is also on its connection still works', async () => {
    const twice = plugin(CLOUD);
    const both = await NativeConnection.connect({ address: process.env.TEMPORAL_ADDRESS ?? '', plugins: [twice] });
    const given = { ...options([twice, twice]), connection: both };
    const stop = await runWorker(given);
    try {
      const operationId = cloud.operation({ response: { '@type': 'google.protobuf.Empty' } });
      const { workflow } = new Client({ connection: clientConnection });
      const result = workflow.execute(awaitOperation, {
        taskQueue: given.taskQueue,
        workflowId: randomUUID(),
        args: [{ cloud: CLOUD, operationId }],
      });
      expect(await result).toEqual({ '@type': 'type.googleapis.com/google.protobuf.Empty' });
    } finally {
      await stop();
      await both.close();
    }
  });

  test.each<[string, () => WorkerOptions]>([
    ['another one, whose clouds would be lost', () => options([plugin('a'), plugin('b')])],
    ['another one for the same cloud', () => options([plugin('a'), plugin('a')])],
    ['an activity of the user by its name', () => options([plugin('a')], { 'operation.get': () => undefined })],
  ])('is refused together with %s', async (_, given) => {
    const err: unknown = await Worker.create(given()).catch((reason: unknown) => reason);
    expect(operationFailure(err)).toMatchObject({
      type: 'OperationConfigurationError',
      message: expect.stringMatching(
        /^OperationsPlugin: this worker already has an activity operation\.get, .*: configure all clouds \(here [ab]\) in one plugin/,
      ) as unknown,
    });
  });

  test('leaves activities that were given as a Map in the Map', () => {
    const mine = (): string => 'mine';
    const { activities } = plugin('a').configureWorker(options([], new Map([['mine', mine]])));
    expect(Object.keys(activities ?? {}).sort()).toEqual([
      'mine',
      'operation.call',
      'operation.cancel',
      'operation.get',
      'operation.start',
      'operation.until',
    ]);
  });
});

test('a plugin does not show the tokens of its clouds', () => {
  const plugin = new OperationsPlugin({
    clouds: { a: { ...LOCAL, credentials: CREDENTIALS }, b: { ...LOCAL, credentials: CREDENTIALS } },
  });
  expect(inspect(plugin, { depth: Infinity, showHidden: true })).not.toContain(MARK);
});
