import { Client } from '@temporalio/client';
import { operationFailure } from 'temporal-lro';
import { CLOUD, startEnvironment, type TestEnvironment } from './support/environment';
import { codec } from './support/encrypting-codec';

const MARK = 'm4rker';

/** The paths in a history where the mark is readable: the field names without the indices. */
function openPlaces(value: unknown, path: string[] = []): string[] {
  if (value instanceof Uint8Array) return Buffer.from(value).includes(MARK) ? [path.join('.')] : [];
  if (typeof value === 'string') return value.includes(MARK) ? [path.join('.')] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    openPlaces(member, /^\d+$/.test(name) ? path : [...path, name]),
  );
}

const network = { '@type': 'fakecloud.v1.Network', id: MARK, name: MARK };
const metadata = { '@type': 'fakecloud.v1.CreateNetworkMetadata', networkId: MARK };
const error = { code: 9, message: MARK, details: [{ '@type': 'google.rpc.ErrorInfo', reason: MARK }] };

describe.each([
  ['as it is', undefined, ['failure.message', 'failure.stackTrace']],
  ['with encodeCommonAttributes', require.resolve('./support/encoding-failure-converter'), []],
])('a codec that encrypts, %s', (_, failureConverterPath, open) => {
  let environment: TestEnvironment;
  let client: Client;
  beforeAll(async () => {
    const dataConverter = {
      payloadCodecs: [codec],
      ...(failureConverterPath !== undefined && { failureConverterPath }),
    };
    const workflowsPath = require.resolve('temporal-lro/workflow-definitions');
    environment = await startEnvironment({ worker: { workflowsPath, dataConverter } });
    client = new Client({ connection: environment.client.connection, dataConverter });
  });
  afterAll(() => environment.stop());

  /** Runs a workflow to its end, and returns where the mark is readable in its history. */
  async function run(workflowType: string, input: object): Promise<{ end: string; places: string[] }> {
    const { workflowId, taskQueue } = environment.workflow();
    const handle = await client.workflow.start(workflowType, { workflowId, taskQueue, args: [input] });
    const end = await handle.result().then(
      (result) => JSON.stringify(result),
      (err: unknown) => operationFailure(err)?.type ?? String(err),
    );
    const { events } = await handle.fetchHistory();
    const attributes = (events ?? []).map((event) =>
      Object.entries(event).find(([name, value]) => name.endsWith('Attributes') && value),
    );
    const userMetadata = (events ?? []).map((event) => event.userMetadata);
    return { end, places: [...new Set([...attributes, ...userMetadata].flatMap((part) => openPlaces(part)))] };
  }

  test('hides what an operation is, carries and returns', async () => {
    const operationId = environment.cloud.operation({ after: 100, description: MARK, metadata, response: network });
    const { end, places } = await run('awaitOperation', { cloud: CLOUD, operationId, poll: { initialInterval: 50 } });
    expect(end).toContain(MARK);
    expect(places).toEqual([]);
  });

  test('hides why an operation failed, but for the text of the failure', async () => {
    const operationId = environment.cloud.operation({ after: 100, description: MARK, metadata, error });
    const { end, places } = await run('awaitOperation', { cloud: CLOUD, operationId, poll: { initialInterval: 50 } });
    expect(end).toBe('OperationFailed');
    expect(places.map((place) => place.replace(/^\w+Attributes\./, ''))).toEqual(open);
  });

  test('hides the request that starts an operation', async () => {
    const method = 'fakecloud.v1.NetworkService/Create';
    const { end, places } = await run('executeOperation', { cloud: CLOUD, method, request: { name: MARK } });
    expect(end).toContain(MARK);
    expect(places).toEqual([]);
  });

  test('leaves names, ids of workflows, queues and intervals open', async () => {
    const operationId = environment.cloud.operation({ response: network });
    const { workflowId, taskQueue } = environment.workflow();
    const handle = await client.workflow.start('awaitOperation', {
      workflowId: `operation/${CLOUD}/${MARK}-${workflowId}`,
      taskQueue,
      args: [{ cloud: CLOUD, operationId }],
    });
    await handle.result();
    const { workflowExecutionInfo } = (await handle.describe()).raw;
    expect(openPlaces(workflowExecutionInfo)).toEqual(['execution.workflowId', 'rootExecution.workflowId']);
    const { events } = await handle.fetchHistory();
    const scheduled = events?.find(
      (event) => event.activityTaskScheduledEventAttributes,
    )?.activityTaskScheduledEventAttributes;
    expect(scheduled?.activityType?.name).toBe('operation.get');
  });
});
