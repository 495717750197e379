import { WithStartWorkflowOperation, type WorkflowHandle } from '@temporalio/client';
import fc from 'fast-check';
import { operationFailure, pollOperation } from 'temporal-lro';
import { NetworkService } from '../src/testing/resources';
import { CLOUD, startEnvironment, type TestEnvironment } from './support/environment';

const SEED = 20261125;

let environment: TestEnvironment;
let done: string;
beforeAll(async () => {
  environment = await startEnvironment({ worker: { workflowsPath: require.resolve('./bad-input/workflows') } });
  const { cloud } = environment;
  done = cloud.operation({ response: { '@type': 'google.protobuf.Empty' } });
  cloud.on(NetworkService.create).reply(({ name = '' }) => ({ response: { id: 'n', name, folderId: '' } }));
  // An ID that is well-formed but unknown fails at once, so that no case has to wait.
  cloud.intercept(({ operationId: id }) => (id === undefined || id.startsWith('fc1') ? undefined : { code: 7 }));
});
afterAll(() => environment.stop());

/** Runs a workflow with any JSON as its input. Returns how it ended, and how many of its workflow tasks failed. */
async function run(workflowType: string, args: unknown[]): Promise<{ end: string; taskFailures: number }> {
  const { client, workflow } = environment;
  const handle = await client.workflow.start(workflowType, { ...workflow(), args, workflowExecutionTimeout: '50 s' });
  const end = await handle.result().then(
    () => 'a response',
    (err: unknown) => {
      const failure = operationFailure(err);
      return failure ? `${failure.type}: ${failure.message}` : String(err);
    },
  );
  return { end, taskFailures: await failedTasks(handle) };
}

async function failedTasks(handle: WorkflowHandle): Promise<number> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).filter(({ workflowTaskFailedEventAttributes }) => workflowTaskFailedEventAttributes).length;
}

type Input = () => [workflowType: string, args: unknown[]];
const raw =
  (...args: unknown[]): Input =>
  () => ['awaitOperation', args];
const wait =
  (fields: object): Input =>
  () => ['awaitOperation', [{ cloud: CLOUD, operationId: done, ...fields }]];
const execute =
  (fields: object): Input =>
  () => ['executeOperation', [{ cloud: CLOUD, method: NetworkService.create.path, request: {}, ...fields }]];
const inline =
  (fields: object): Input =>
  () => ['call', [{ verb: 'wait', cloud: CLOUD, operationId: done, ...fields }]];

test.each<[string, Input, RegExp]>([
  ['no input', raw(), /^input is undefined: give an object$/],
  ['an input that is no object', raw('x'), /^input is "x": give an object$/],
  ['an empty id', wait({ operationId: '' }), /^operationId is "": give the id that the cloud returned/],
  ['no id', wait({ operationId: undefined }), /^operationId is undefined: /],
  ['an id that is a number', wait({ operationId: 5 }), /^operationId is 5: /],
  ['an id of 513 bytes', wait({ operationId: 'x'.repeat(513) }), /^operationId is "x{79}…: .*1 to 512 bytes/],
  ['an id of 171 characters of 3 bytes', wait({ operationId: '操'.repeat(171) }), /^operationId is "操+…: /],
  ['an id of half a character', wait({ operationId: 'a\ud83d' }), /^operationId is "a\\ud83d": /],
  [
    'an id that cannot become a string',
    wait({ operationId: { toString: 1, valueOf: 1 } }),
    /^operationId is an object: /,
  ],
  ['no cloud', wait({ cloud: undefined }), /^cloud is undefined: give the name of a cloud/],
  ['a cloud of a million characters', wait({ cloud: 'c'.repeat(1_000_000) }), /^cloud is "c{79}…: /],
  [
    'a cloud that the worker does not know',
    wait({ cloud: 'azure' }),
    /^cloud is "azure", but this worker configures yandex: /,
  ],
  ['a misspelt option', wait({ timeuot: '1 min' }), /^timeuot is "1 min": unknown option; known are timeout, /],
  ['an option of a million characters', wait({ ['o'.repeat(1_000_000)]: 1 }), /^o{80}… is 1: unknown option; /],
  [
    'a duration that is none',
    wait({ timeout: 'soon' }),
    /^timeout is "soon": give a number of milliseconds or a string/,
  ],
  ['a duration below 0', wait({ poll: { initialInterval: -1 } }), /^poll\.initialInterval is -1: .*above 0/],
  [
    'a duration of 100 years',
    wait({ cancelTimeout: '100 years' }),
    /^cancelTimeout is "100 years": .*at most 10 years/,
  ],
  [
    'a maximum interval below the initial one',
    wait({ poll: { initialInterval: 2, maximumInterval: 1 } }),
    /^poll\.maximumInterval is 1: give at least initialInterval \(2 ms\)$/,
  ],
  ['a fraction of 0', wait({ poll: { ageFraction: 0 } }), /^poll\.ageFraction is 0: give a number in \(0, 1\]$/],
  ['a fraction above 1', wait({ poll: { ageFraction: 5 } }), /^poll\.ageFraction is 5: give a number in \(0, 1\]$/],
  ['a fraction as text', wait({ poll: { ageFraction: '0.5' } }), /^poll\.ageFraction is "0\.5": give a number in /],
  ['a jitter below 0', wait({ poll: { jitter: -0.1 } }), /^poll\.jitter is -0\.1: give a number in \[0, 0\.5\]$/],
  ['a jitter above a half', wait({ poll: { jitter: 0.51 } }), /^poll\.jitter is 0\.51: give a number in \[0, 0\.5\]$/],
  [
    'a misspelt option of the poll',
    wait({ poll: { maxInterval: '1 min' } }),
    /^poll\.maxInterval is "1 min": unknown option; known are by, initialInterval, ageFraction, maximumInterval, jitter$/,
  ],
  ['a way to sleep that there is not', wait({ poll: { by: 'cron' } }), /^poll\.by is "cron": give one of timer, act/],
  ['a longest interval of 0', wait({ poll: { maximumInterval: 0 } }), /^poll\.maximumInterval is 0: .*above 0/],
  ['a duration that is true', wait({ cancelTimeout: true }), /^cancelTimeout is true: give a number of milliseconds/],
  ['a duration that is an object', wait({ timeout: { seconds: 5 } }), /^timeout is an object: give a number of mill/],
  [
    'a cancellation that there is not',
    wait({ cancellationType: 'NEVER' }),
    /^cancellationType is "NEVER": give one of /,
  ],
  ['a rollback that there is not', wait({ onRollback: 'ignore' }), /^onRollback is "ignore": give one of wait, fail$/],
  ['a poll that is no object', wait({ poll: 5 }), /^poll is 5: give an object$/],
  ['a choice that there is not', wait({ onTimeout: 'stop' }), /^onTimeout is "stop": give one of fail, cancel$/],
  ['a task queue that is a number', wait({ taskQueue: 7 }), /^taskQueue is 7: give the name of the task queue/],
  ['a task queue of 1,001 bytes', wait({ taskQueue: 'q'.repeat(1001) }), /^taskQueue is "q{79}…: /],
  ["a task queue of the server's own", wait({ taskQueue: '/_sys/x' }), /^taskQueue is "\/_sys\/x": /],
  ['the state of another workflow', raw({ cloud: CLOUD, operationId: 'x' }, 'x'), /^continued is "x": leave it out/],
  ['defaults of another kind', inline({ defaults: 'x' }), /^options is "x": give an object$/],
  ['a misspelt default', inline({ defaults: { pol: {} } }), /^pol is an object: unknown option; known are timeout, /],
  ['a default poll that is no object', inline({ defaults: { poll: 5 } }), /^poll is 5: give an object$/],
  ['options of another kind', inline({ options: [] }), /^options is an array: give an object$/],
  ['a poll of a wait that is no object', inline({ options: { poll: 'fast' } }), /^poll is "fast": give an object$/],
  [
    'a method without a path',
    inline({ options: { method: {} } }),
    /^method is an object: give a generated method, or a path/,
  ],
  [
    'a method that no descriptor has',
    inline({ options: { method: 'a.B/C' } }),
    /^method: no service a\.B in the descriptors/,
  ],
  ['no request', execute({ request: undefined }), /^request is undefined: give an object$/],
  [
    'a request of two million characters',
    execute({ request: { name: 'x'.repeat(1_600_000) } }),
    /^request is "16\d{5} bytes of JSON": give at most/,
  ],
  [
    'a request with a misspelt field',
    execute({ request: { nmae: '' } }),
    /request\.nmae is not a field of fakecloud\.v1\.CreateNetworkRequest, which has /,
  ],
  [
    'a method that starts no operation',
    execute({ method: '/yandex.cloud.operation.OperationService/Get' }),
    /does not return an operation|starts no operation/,
  ],
  ['a method that is none', execute({ method: 7 }), /^method is 7: give a generated method, or a path/],
  ['a key that no header can carry', execute({ idempotencyKey: 'é' }), /^idempotencyKey is "é": give a UUID/],
  ['a start without time', execute({ startTimeout: 0 }), /^startTimeout is 0: /],
  ['the state of another start', () => ['executeOperation', [{}, 'x']], /^continued is "x": leave it out/],
  ['a handle of no operation', inline({ verb: 'get', operationId: null }), /^operationId is null: /],
  ['a handle of another method', inline({ verb: 'result', method: 'x' }), /^method is "x": /],
])(
  '%s fails with a configuration error that gives the field, its value and the fix, before the cloud is called',
  async (_, input, text) => {
    const { calls } = environment.cloud;
    const before = calls.length;
    const { end, taskFailures } = await run(...input());
    const [failure, message = ''] = end.split(/: (.*)/s);
    expect(failure).toBe('OperationConfigurationError');
    expect(message).toMatch(text);
    expect(taskFailures).toBe(0);
    expect(calls.length).toBe(before);
  },
);

test('an update that starts a workflow with invalid input is refused, and no workflow task fails', async () => {
  const { client, workflow } = environment;
  for (const [type, args] of [execute({ method: 7 })(), wait({ operationId: 7 })()]) {
    const start = new WithStartWorkflowOperation(type, { ...workflow(), args, workflowIdConflictPolicy: 'FAIL' });
    const update = client.workflow.executeUpdateWithStart(pollOperation, { startWorkflowOperation: start });
    await expect(update).rejects.toThrow();
    const handle = await start.workflowHandle();
    await expect(handle.result()).rejects.toThrow();
    expect(await failedTasks(handle)).toBe(0);
  }
});

test('an option that is null counts as omitted, since other languages send omitted options as null', async () => {
  const nothing = { timeout: null, onTimeout: null, poll: null, cancelTimeout: null, taskQueue: null };
  const inputs = [
    wait(nothing),
    inline({ defaults: null, options: { ...nothing, method: null, taskQueue: undefined } }),
  ];
  for (const input of inputs) expect(await run(...input())).toEqual({ end: 'a response', taskFailures: 0 });
});

test('an operation ID of 512 bytes is polled, in any script', async () => {
  for (const operationId of ['操'.repeat(170), '"\\'.repeat(256)]) {
    const { end, taskFailures } = await run(...wait({ operationId })());
    expect(end).toMatch(/^OperationServiceError: .*PERMISSION_DENIED/);
    expect(taskFailures).toBe(0);
  }
});

/** Any JSON value, including values that often break parsers. */
const json = fc.oneof(
  fc.constantFrom(null, '', 0, -1, 1e308, [], {}, { toString: 1 }, 'x'.repeat(5000), '\ud800', '__proto__'),
  fc.constantFrom('0 s', '1e9 y', '-1 s', 2 ** 53, 'ms', '٣ s'),
  fc.jsonValue({ maxDepth: 2 }),
);
/** One field in eight is invalid, so that each occurs together with valid and invalid others. */
const mostly = (...right: unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 7, arbitrary: fc.constantFrom(...right) }, { weight: 1, arbitrary: json });
const duration = mostly('20 s', '1 min', 90_000, 1e8, 1e-9);
const anyOf = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> =>
  fc.record(fields, { requiredKeys: [] });
const poll = anyOf({
  by: mostly('timer', 'activityRetry'),
  initialInterval: mostly('1 s', 0.001, '1 h'),
  ageFraction: mostly(0.05, 1, 1e-9),
  maximumInterval: mostly('10 h', 1e9),
  jitter: mostly(0, 0.5),
});
const options = anyOf({
  timeout: duration,
  onTimeout: mostly('fail', 'cancel'),
  poll: fc.oneof({ weight: 7, arbitrary: poll }, { weight: 1, arbitrary: json }),
  cancellationType: mostly('TRY_CANCEL', 'ABANDON'),
  cancelTimeout: duration,
  onRollback: mostly('wait', 'fail'),
});
const start = {
  method: mostly(NetworkService.create, NetworkService.create.path, NetworkService.create.path.slice(1)),
  request: mostly({}, { name: 'x' }, { name: null, folderId: '' }),
};
const startOptions = { idempotencyKey: mostly('key', null), startTimeout: duration };
const verb = fc.constantFrom('wait', 'get', 'result', 'cancel');

test('whatever the input, a workflow ends with a response or a typed failure, and no workflow task fails', async () => {
  // A task queue without a worker is valid input: the wait continues until a worker polls it.
  const queues = [
    ...Array<unknown>(12).fill(environment.taskQueue),
    null,
    '',
    3,
    '/_sys/q',
    'q'.repeat(2000),
    '\ud800',
  ];
  const cloud = mostly(CLOUD);
  const operationId = mostly(done);
  const input = fc
    .tuple(fc.record({ cloud, operationId }), anyOf({ taskQueue: fc.constantFrom(...queues) }), options)
    .map((parts): object => Object.assign({}, ...parts) as object);
  const starts = fc
    .tuple(fc.record({ cloud, ...start }), anyOf({ taskQueue: fc.constantFrom(...queues), ...startOptions }), options)
    .map((parts): object => Object.assign({}, ...parts) as object);
  const cases = fc.oneof(
    fc.tuple(fc.constant('executeOperation'), fc.tuple(starts, fc.constantFrom(undefined, null, 0, {}))),
    fc.tuple(
      fc.constant('call'),
      fc.tuple(fc.record({ verb: fc.constantFrom('execute', 'start'), cloud, ...start, options: anyOf(startOptions) })),
    ),
    fc.tuple(
      fc.constant('awaitOperation'),
      fc.tuple(fc.oneof({ weight: 7, arbitrary: input }, { weight: 1, arbitrary: json })),
    ),
    fc.tuple(fc.constant('awaitOperation'), fc.tuple(input, json)),
    fc.tuple(fc.constant('call'), fc.tuple(fc.record({ verb, cloud, operationId, defaults: options, options }))),
    fc.tuple(
      fc.constant('call'),
      fc.tuple(
        fc.record(
          { verb, cloud, operationId, defaults: json, options: json, method: json },
          { requiredKeys: ['verb', 'cloud', 'operationId'] },
        ),
      ),
    ),
  );
  const inputs = fc.sample(cases, { numRuns: 90, seed: SEED });
  const ends = await Promise.all(inputs.map(async ([type, args]) => ({ type, args, ...(await run(type, args)) })));
  const known = /^a response$|^Operation(ConfigurationError|ServiceError|TimedOut): /;
  expect(ends.filter(({ end, taskFailures }) => taskFailures > 0 || !known.test(end))).toEqual([]);
  // Shows that the cases are varied: some are valid, the others are invalid in many ways.
  expect(ends.filter(({ end }) => end === 'a response').length).toBeGreaterThan(5);
  expect(new Set(ends.map(({ end }) => end.slice(0, 50))).size).toBeGreaterThan(15);
});
