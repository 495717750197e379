import { operationFailure, type OperationFailure } from 'temporal-lro';
import type { Script } from 'temporal-lro/testing';
import { CLOUD, startEnvironment, type TestEnvironment } from '../support/environment';
import { DESCRIPTORS, NO_TEXT, part, THING, TOO_LATE } from './descriptors';
import { base64 } from './reading';
import type { awaitOperation, execute, start, wait } from './workflows';

const EMPTY = { '@type': 'google.protobuf.Empty' };
const detail = { '@type': 'google.rpc.ErrorInfo', reason: 'DISK_FAULT' };
const seenDetail = { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'DISK_FAULT' };
/** A Thing in wire format, as scripts contain it. */
const thing = (...parts: Uint8Array[]): { '@type': string; base64: string } => ({
  '@type': 'values.v1.Thing',
  base64: base64(Buffer.concat(parts)),
});
const created = thing(part(1, 'thing-1'), part(2, TOO_LATE));
const metadata = thing(part(2, TOO_LATE), part(24, 'net-1'));
const problem = { problem: '253402300800 s and 0 ns are no time of the years 1 to 9999', base64: base64(TOO_LATE) };

/** Its last text has a length of nine bytes, and none of these follow. */
const CUT_OFF = Buffer.concat([part(1, 'thing-1'), Uint8Array.of(0x0a, 0x09)]);

/** The cloud's reply to a start with that name. */
const SCRIPTS: Record<string, Script> = {
  created: { response: created, metadata },
  later: { after: '200 ms', response: created, metadata },
  burnt: { metadata, error: { code: 9, message: 'burnt', details: [thing(part(1, NO_TEXT), part(24, 'net-1'))] } },
  cutOff: { response: thing(CUT_OFF), metadata },
};

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await startEnvironment({
    cloud: { descriptors: [DESCRIPTORS] },
    worker: { workflowsPath: require.resolve('./workflows') },
  });
  environment.cloud
    .on<{ name: string }, object, object>({ path: '/values.v1.ThingService/Create' })
    .reply(({ name }) => SCRIPTS[name] ?? { response: EMPTY });
});
afterAll(() => environment.stop());

test('a typed execute whose response contains a time in the year 10000 succeeds, and the time is null', async () => {
  const { client, workflow } = environment;
  const response = await client.workflow.execute<typeof execute>('execute', { ...workflow(), args: ['created'] });
  expect(response).toMatchObject({ '@type': THING, id: 'thing-1', createdAt: null });
});

test('a typed wait for such a response succeeds as well', async () => {
  const { client, cloud, workflow } = environment;
  const id = cloud.operation({ after: '100 ms', response: created });
  const response = await client.workflow.execute<typeof wait>('wait', { ...workflow(), args: [id] });
  expect(response).toMatchObject({ id: 'thing-1', createdAt: null });
});

test('metadata with such a time keep their other fields, and the snapshot says what is null', async () => {
  const { client, workflow } = environment;
  const result = await client.workflow.execute<typeof start>('start', { ...workflow(), args: ['later'] });
  expect(result).toMatchObject({
    networkId: 'net-1',
    problems: [{ path: 'metadata.createdAt', ...problem }],
    response: { id: 'thing-1' },
  });
});

/** The failure of a workflow that executes that name. */
async function failureOf(name: string): Promise<OperationFailure | undefined> {
  const { client, workflow } = environment;
  const work = client.workflow.execute<typeof execute>('execute', { ...workflow(), args: [name] });
  return work.then(() => undefined, operationFailure);
}

test('a failure contains the readable parts of metadata and details, and the problems of both', async () => {
  const failure = await failureOf('burnt');
  expect(failure).toMatchObject({
    type: 'OperationFailed',
    code: 9,
    details: [{ '@type': THING, id: null, networkId: 'net-1' }],
    operation: {
      metadata: { createdAt: null, networkId: 'net-1' },
      problems: [
        { path: 'metadata.createdAt', ...problem },
        { path: 'error.details[0].id', problem: 'not UTF-8', base64: base64(NO_TEXT) },
      ],
    },
  });
});

test('a truncated response is unreadable, and the failure contains its bytes', async () => {
  const failure = await failureOf('cutOff');
  expect(failure).toMatchObject({
    type: 'OperationUnreadable',
    operation: {
      state: 'succeeded',
      response: { '@type': THING, base64: base64(CUT_OFF), problem: 'cut off within a field' },
      metadata: { networkId: 'net-1' },
    },
  });
});

test('an operation that is done with an error of code 0 has failed, and the failure has its message and details', async () => {
  const { client, cloud, workflow } = environment;
  const id = cloud.operation({ metadata, error: { code: 0, message: 'disk caught fire', details: [detail] } });
  const args: Parameters<typeof awaitOperation> = [{ cloud: CLOUD, operationId: id }];
  const work = client.workflow.execute<typeof awaitOperation>('awaitOperation', { ...workflow(), args });
  const failure = await work.then(() => undefined, operationFailure);
  expect(failure).toMatchObject({
    type: 'OperationFailed',
    code: 2,
    codeName: 'UNKNOWN',
    message: expect.stringContaining('UNKNOWN: disk caught fire (the cloud sent this error with code 0, OK)') as string,
    details: [seenDetail],
    operation: { state: 'failed', metadata: { networkId: 'net-1' } },
  });
});
