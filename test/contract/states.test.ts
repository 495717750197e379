import { fromJson, toBinary, type JsonObject } from '@bufbuild/protobuf';
import { operationFailure } from 'temporal-lro';
import { method } from '../../src/apis/envelope';
import { decodeOperation } from '../../src/apis/yandex';
import { toSnapshot } from '../../src/cloud/to-snapshot';
import { loadDescriptors } from '../../src/descriptors/load';
import type { OperationSnapshot } from '../../src/model/snapshot';

const registry = loadDescriptors();
const schema = registry.getMessage('yandex.cloud.operation.Operation');

/** An Operation in its wire format. */
function bytes(operation: JsonObject): Uint8Array {
  if (!schema) throw new Error('proto/ has no Operation.');
  return toBinary(schema, fromJson(schema, operation, { registry }));
}

/** The snapshot that we read from an Operation in wire format; the parts are concatenated into one message. */
function read(...parts: JsonObject[]): OperationSnapshot {
  return toSnapshot('yandex', decodeOperation(Buffer.concat(parts.map(bytes))), registry);
}

function failureOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (err) {
    return operationFailure(err);
  }
}

const id = 'fcmq0j5033e516c56ctq';
const common = { cloud: 'yandex', id };
const response = { '@type': 'type.googleapis.com/google.protobuf.Empty' };
const violation = { field: 'zone_id', description: 'no such zone' };
const details = [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [violation] }];
const error = { code: 3, message: 'bad request', details };
const seenError = { code: 3, codeName: 'INVALID_ARGUMENT', message: 'bad request', details };

// Proves docs/contract.md: "`done` says whether the operation is in progress or has completed"
// Proves docs/contract.md: "Not done, no failure detected: neither `error` nor `response` is set"
test('an operation that is not done and has neither error nor response is running', () => {
  expect(read({ id, done: false })).toEqual({ ...common, state: 'running' });
});

// Proves docs/contract.md: "Not done, a failure detected: `error` is set"
test('an operation that is not done and has an error is rolling back', () => {
  expect(read({ id, done: false, error })).toEqual({ ...common, state: 'rollingBack', error: seenError });
});

// Proves docs/contract.md: "Done: exactly one of `error` and `response` is set"
test('an operation that is done and has an error has failed', () => {
  expect(read({ id, done: true, error })).toEqual({ ...common, state: 'failed', error: seenError });
});

// Proves docs/contract.md: "`done` says whether the operation is in progress or has completed"
// Proves docs/contract.md: "Done: exactly one of `error` and `response` is set"
test('an operation that is done and has a response has succeeded', () => {
  expect(read({ id, done: true, response })).toEqual({ ...common, state: 'succeeded', response });
});

// Proves docs/contract.md: "Done: exactly one of `error` and `response` is set"
test('an operation that is done and has neither is unreadable: its outcome is not guessed', () => {
  const metadata = { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: 'epd-1' };
  expect(failureOf(() => read({ id, description: 'Create disk', done: true, metadata }))).toMatchObject({
    type: 'OperationUnreadable',
    operationId: id,
    message: `yandex operation ${id} (Create disk) is done with neither a response nor an error: the outcome is unknown, look at the resource itself`,
    operation: { description: 'Create disk', metadata },
  });
});

// Proves docs/contract.md: "Done: exactly one of `error` and `response` is set"
test('an operation that is done and has an error has failed, even if the code says OK', () => {
  const failed = (message: string): JsonObject => {
    const told = `${message} (the cloud sent this error with code 0, OK)`;
    return { ...common, state: 'failed', error: { code: 2, codeName: 'UNKNOWN', message: told, details } };
  };
  expect(read({ id, done: true, error: { message: 'disk caught fire', details } })).toEqual(failed('disk caught fire'));
  expect(read({ id, done: true, error: { details } })).toEqual(failed('no message'));
  expect(read({ id, done: false, error: { message: 'disk caught fire' } })).toMatchObject({
    state: 'rollingBack',
    error: { codeName: 'UNKNOWN' },
  });
});

// Proves docs/contract.md: "Done: exactly one of `error` and `response` is set"
test('an error that says nothing at all is none: the operation is running, or unreadable once it is done', () => {
  expect(read({ id, done: false, error: {} })).toEqual({ ...common, state: 'running' });
  expect(failureOf(() => read({ id, done: true, error: {} }))).toMatchObject({
    type: 'OperationUnreadable',
    message: `yandex operation ${id} is done with an error whose code is OK and that says nothing: the outcome is unknown, look at the resource itself`,
  });
});

// Proves docs/contract.md: "The result is either an error or a response, never both"
test('an operation has one result: of an error and then a response on the wire the response counts', () => {
  expect(read({ id, done: true, error }, { response })).toEqual({ ...common, state: 'succeeded', response });
});

// Proves docs/contract.md: "The result is either an error or a response, never both"
test('of a response and then an error on the wire the error counts', () => {
  expect(read({ id, done: true, response }, { error })).toEqual({ ...common, state: 'failed', error: seenError });
});

test('texts that are not UTF-8 are reported, with their bytes and their path', () => {
  const broken = Buffer.from('caf\xe9', 'latin1');
  const field = (number: number, ...parts: Uint8Array[]): Buffer => {
    const content = Buffer.concat(parts);
    return Buffer.concat([Buffer.of((number << 3) | 2, content.length), content]);
  };
  const status = field(8, field(2, broken), field(3, field(1, Buffer.from('a'))), field(3, field(1, broken)));
  const raw = Buffer.concat([bytes({ id }), field(2, broken), field(4, broken), field(7, field(1, broken)), status]);
  const snapshot = toSnapshot('yandex', decodeOperation(raw), registry);
  const text = 'caf\ufffd';
  expect(snapshot).toMatchObject({ description: text, createdBy: text, metadata: { '@type': text } });
  expect(snapshot).toMatchObject({ error: { message: expect.stringContaining(text) as string } });
  const paths = ['description', 'createdBy', 'metadata.@type', 'error.message', 'error.details[1].@type'];
  const base64 = broken.toString('base64');
  expect(snapshot.problems).toEqual(paths.map((path) => ({ path, problem: 'not UTF-8', base64 })));
});

// Proves docs/contract.md: "Both times are in RFC 3339 format"
test('times that no calendar has are left out and told', () => {
  const at = { seconds: '253402300800', nanos: 0 };
  const raw = method('Get').responseSerialize({ id, createdAt: at, modifiedAt: { seconds: '-1', nanos: -5 } });
  expect(toSnapshot('yandex', decodeOperation(raw), registry)).toEqual({
    ...common,
    state: 'running',
    problems: [
      {
        path: 'createdAt',
        problem: expect.stringMatching(/^253402300800 s and 0 ns/) as string,
        base64: 'CICD0f+vBw==',
      },
      {
        path: 'modifiedAt',
        problem: expect.stringMatching(/^-1 s and -5 ns/) as string,
        base64: expect.any(String) as string,
      },
    ],
  });
});

// Proves docs/contract.md: "An operation has an ID, a description, times, a creator, `done`, metadata and a result"
test('id, description, creator, times and metadata pass through, and what was not sent is left out', () => {
  const sent = {
    id,
    description: 'Create disk',
    createdAt: '2026-03-01T12:00:00Z',
    createdBy: 'ajeo3rq1u5gl41vqdj6e',
    modifiedAt: '2026-03-01T12:00:01.5Z',
    metadata: response,
  };
  expect(read(sent)).toEqual({ ...sent, cloud: 'yandex', state: 'running', modifiedAt: '2026-03-01T12:00:01.500Z' });
  expect(Object.keys(read({ id }))).toEqual(['cloud', 'id', 'state']);
});

// Proves docs/contract.md: "The description has 0 to 256 characters"
test('a description of 0 to 256 characters passes through unchanged, in any script', () => {
  expect(read({ id, description: '' })).not.toHaveProperty('description');
  for (const description of ['x', 'x'.repeat(256), 'Ж'.repeat(256), '🛠'.repeat(256), ' two\nlines\t']) {
    expect(read({ id, description }).description).toBe(description);
  }
});

// Proves docs/contract.md: "Both times are in RFC 3339 format"
test('times are RFC 3339 in UTC, to the nanosecond', () => {
  const times = [
    '1970-01-01T00:00:00Z',
    '2026-03-01T12:00:00.120Z',
    '2026-03-01T12:00:00.000001Z',
    '9999-12-31T23:59:59.999999999Z',
  ];
  for (const time of times) {
    expect(read({ id, createdAt: time, modifiedAt: time })).toMatchObject({ createdAt: time, modifiedAt: time });
  }
});
