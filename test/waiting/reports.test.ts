import { Client } from '@temporalio/client';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { Runtime } from '@temporalio/worker';
import { operationFailure } from 'temporal-lro';
import { method } from '../../src/apis/envelope';
import { CLOUD, startEnvironment } from '../support/environment';
import { until } from '../support/until';
import { awaitOperation } from './workflows';

const EMPTY = { '@type': 'google.protobuf.Empty' };
const RESPONSE = { '@type': 'type.googleapis.com/google.protobuf.Empty' };
const GET = 'operation.get';
const poll = { initialInterval: '100 ms', jitter: 0 } as const;

const large = (id: string, bytes: number): Buffer =>
  method('Get').responseSerialize({
    id,
    done: true,
    response: { type_url: 'example.com/unknown.Type', value: Buffer.alloc(bytes) },
  });

/** Decodes everything, and refuses to encode payloads that contain this text. */
const refusing = (text: string): PayloadCodec => ({
  encode: (payloads) =>
    payloads.some(({ data }) => Buffer.from(data ?? []).includes(text))
      ? Promise.reject(new Error('the codec does not take this'))
      : Promise.resolve(payloads),
  decode: (payloads) => Promise.resolve(payloads),
});

/** Makes every payload of over 100 kB five times as large. */
const inflating: PayloadCodec = {
  encode: (payloads) =>
    Promise.resolve(
      payloads.map((payload): Payload => {
        const data = payload.data ?? new Uint8Array();
        return data.length < 100_000 ? payload : { ...payload, data: Buffer.concat([data, data, data, data, data]) };
      }),
    ),
  decode: (payloads) => Promise.resolve(payloads),
};

test.each([
  ['throws on it', refusing('unknown.Type'), 10, 'the codec does not take this'],
  ['makes it larger than gRPC carries', inflating, 1_000_000, 'larger than max'],
])('a watched result is replaced by a small typed failure when the codec %s', async (_, codec, bytes, reason) => {
  const dataConverter = { payloadCodecs: [codec] };
  const other = await startEnvironment({ worker: { workflowsPath: require.resolve('./workflows'), dataConverter } });
  const logged = jest.spyOn(Runtime.instance().logger, 'warn');
  try {
    const client = new Client({ connection: other.client.connection, dataConverter });
    const id = other.cloud.operation({ after: 1, response: EMPTY });
    other.cloud.intercept(() => ({ body: large(id, bytes).toString('base64') }));
    const args: Parameters<typeof awaitOperation> = [{ cloud: CLOUD, operationId: id, poll }];
    const failure = await client.workflow
      .execute(awaitOperation, { ...other.workflow(), args })
      .then(() => undefined, operationFailure);
    expect(failure).toMatchObject({ type: 'OperationUnreadable', operationId: id });
    expect(failure?.message).toContain(reason);
    expect(other.cloud.calls).toHaveLength(1);
    const warnings = logged.mock.calls.filter(([, fields]) => fields?.operationId === id);
    expect(warnings).toEqual([
      ['Operation could not be reported to Temporal', expect.objectContaining({ cloud: CLOUD, activityType: GET })],
    ]);
  } finally {
    await other.stop();
  }
});

test('while a codec cannot encode anything, the wait is retried and says why; when it works again, the wait succeeds', async () => {
  let isDown = false;
  const codec: PayloadCodec = {
    encode: (payloads) => (isDown ? Promise.reject(new Error('the key service is down')) : Promise.resolve(payloads)),
    decode: (payloads) => Promise.resolve(payloads),
  };
  const dataConverter = { payloadCodecs: [codec] };
  const other = await startEnvironment({ worker: { workflowsPath: require.resolve('./workflows'), dataConverter } });
  try {
    const id = other.cloud.operation({ after: 1, response: EMPTY });
    other.cloud.intercept(() => {
      isDown = true;
      return undefined;
    });
    const args: Parameters<typeof awaitOperation> = [{ cloud: CLOUD, operationId: id, poll }];
    const handle = await other.client.workflow.start(awaitOperation, { ...other.workflow(), args });
    await until(async () => {
      const { raw } = await handle.describe();
      return raw.pendingActivities?.[0]?.lastFailure?.message?.includes('the key service is down') === true;
    });
    isDown = false;
    other.cloud.intercept(() => {
      isDown = false;
      return undefined;
    });
    expect(await handle.result()).toEqual(RESPONSE);
  } finally {
    await other.stop();
  }
});
