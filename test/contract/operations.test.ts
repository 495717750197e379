import { operationFailure, type OperationFailure } from 'temporal-lro';
import type { WaitOptions } from 'temporal-lro/workflow';
import { yandexApi } from '../../src/apis/yandex';
import { findOperationMethod } from '../../src/descriptors/operation-method';
import { CLOUD, RFC_3339, startInteropWorker, type InteropWorker } from '../support/interop-worker';
import { observe, wait, type Observed } from './workflows';

let interop: InteropWorker;
beforeAll(async () => (interop = await startInteropWorker(require.resolve('./workflows'))));
afterAll(() => interop.stop());

/** How a workflow's wait for that operation fails. */
async function failureOf(operationId: string, options: WaitOptions = {}): Promise<OperationFailure | undefined> {
  const args: Parameters<typeof wait> = [CLOUD, operationId, options];
  const end = interop.client.workflow.execute(wait, { ...interop.workflow(), args });
  return operationFailure(await end.catch((err: unknown) => err));
}

/** The types that a method's option names, read from Yandex's own descriptors. */
function documentedTypes(path: string): { metadata: string | undefined; response: string | undefined } {
  const method = findOperationMethod(interop.registry, path, yandexApi.starts);
  if (typeof method === 'string') throw new Error(method);
  return { metadata: method.metadataType?.typeName, response: method.responseType?.typeName };
}

/** A method that creates a resource; the server begins its operation when its ID is polled first. */
interface Example {
  path: string;
  operationId: string;
  /** The field of the metadata that names the resource, and the field of the resource that it equals. */
  names: { metadata: string; resource: string };
  /** Some fields of the resource. */
  resource: Record<string, unknown>;
}

const EXAMPLES: Example[] = [
  {
    path: '/yandex.cloud.compute.v1.InstanceService/Create',
    operationId: 'instance-contract-500ms',
    names: { metadata: 'instanceId', resource: 'id' },
    resource: {
      '@type': 'type.googleapis.com/yandex.cloud.compute.v1.Instance',
      resources: { memory: '4294967296', cores: '2', coreFraction: '100', gpus: '0' },
      metadata: { 'user-data': '#cloud-config\nhostname: тест\n' },
    },
  },
  {
    path: '/yandex.cloud.storage.v1.BucketService/Create',
    operationId: 'storage-contract-500ms',
    names: { metadata: 'name', resource: 'name' },
    resource: {
      '@type': 'type.googleapis.com/yandex.cloud.storage.v1.Bucket',
      anonymousAccessFlags: { read: true, list: false },
      maxSize: '9007199254740993',
      policy: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Weight: 0.5, Id: null }] },
    },
  },
];

describe.each(EXAMPLES)('$path', ({ path, operationId: id, names, resource }) => {
  let observed: Observed;
  beforeAll(async () => {
    const args: Parameters<typeof observe> = [CLOUD, id, path];
    observed = await interop.client.workflow.execute(observe, { ...interop.workflow(), args });
  });

  // Proves docs/contract.md: "`Get` returns the current state of an operation"
  // Proves docs/contract.md: "`done` says whether the operation is in progress or has completed"
  // Proves docs/contract.md: "The response of a standard Create or Update is the resource"
  test('a workflow awaits an operation of its service and gets the resource that it creates', () => {
    const { first, response, last } = observed;
    expect(first).toMatchObject({ cloud: CLOUD, id, state: 'running' });
    expect(response).toMatchObject(resource);
    expect(last).toEqual({ ...first, state: 'succeeded', response, modifiedAt: last.modifiedAt });
  });

  // Proves docs/contract.md: "The metadata are specific to the service and usually name the resource"
  // Proves docs/contract.md: "Not done, no failure detected: neither `error` nor `response` is set"
  test('the metadata names the resource while the operation is running', () => {
    const { first, response } = observed;
    expect(first.state).toBe('running');
    expect(first.metadata?.[names.metadata]).toBe(response[names.resource]);
    expect(response[names.resource]).toMatch(/./);
  });

  // Proves docs/contract.md: "A method that returns an operation documents the types of its metadata and response"
  test('metadata and response have the types that the method documents', () => {
    const { metadata, response } = documentedTypes(path);
    expect(observed.first.metadata?.['@type']).toBe(`type.googleapis.com/${metadata}`);
    expect(observed.response['@type']).toBe(`type.googleapis.com/${response}`);
  });

  // Proves docs/contract.md: "Methods without data to return, such as Delete, respond with `google.protobuf.Empty`"
  // Proves docs/contract.md: "The response of a standard Create or Update is the resource"
  test('Create and Update of its service document the resource as their response, Delete documents Empty', () => {
    const [create, update, remove] = ['Create', 'Update', 'Delete'].map(
      (verb) => documentedTypes(path.replace(/Create$/, verb)).response,
    );
    expect(`type.googleapis.com/${create}`).toBe(resource['@type']);
    expect(update).toBe(create);
    expect(remove).toBe('google.protobuf.Empty');
  });

  // Proves docs/contract.md: "`created_at` is the time of creation, `modified_at` the time of the last change"
  // Proves docs/contract.md: "Both times are in RFC 3339 format"
  // Proves docs/contract.md: "`created_by` names the user or the service account that started the operation"
  test('the operation says who began it, when, and when it was modified last', () => {
    const { first, last } = observed;
    expect(first).toMatchObject({ createdBy: 'ajeo3rq1u5gl41vqdj6e', modifiedAt: first.createdAt });
    expect(last).toMatchObject({ createdBy: 'ajeo3rq1u5gl41vqdj6e', createdAt: first.createdAt });
    expect(first.createdAt).toMatch(RFC_3339);
    expect(last.modifiedAt).toMatch(RFC_3339);
    expect(Date.parse(last.modifiedAt ?? '')).toBeGreaterThan(Date.parse(last.createdAt ?? ''));
  });
});

describe('an operation that fails', () => {
  // Proves docs/contract.md: "Not done, a failure detected: `error` is set"
  test('is rolled back while it is not done, and the wait fails when it is', async () => {
    const id = 'rollback-a-500ms';
    expect(await interop.operations.get(id)).toMatchObject({ state: 'rollingBack', error: { codeName: 'INTERNAL' } });
    expect(await failureOf(id)).toMatchObject({
      type: 'OperationFailed',
      codeName: 'INTERNAL',
      message: `yandex operation ${id} (Create instance fhm-a-500ms) failed: INTERNAL: Not enough compute in ru-central1-a.`,
      operation: { id, state: 'failed' },
    });
  });

  // Proves docs/contract.md: "Not done, a failure detected: `error` is set"
  test('fails a wait at once that does not want to see it rolled back', async () => {
    const failure = await failureOf('rollback-b-1h', { onRollback: 'fail' });
    expect(failure).toMatchObject({ type: 'OperationFailed', operation: { state: 'rollingBack' } });
  });
});

describe('Cancel', () => {
  // Proves docs/contract.md: "`Cancel` cancels an operation and returns it"
  // Proves docs/contract.md: "The error is a `google.rpc.Status` that describes a failure or a cancellation"
  test('takes the id of an operation and returns that operation, which has failed as cancelled', async () => {
    const cancelled = await interop.operations.cancel('disk-cancel-1h');
    expect(cancelled).toMatchObject({
      id: 'disk-cancel-1h',
      metadata: { diskId: 'fhm-cancel-1h' },
      state: 'failed',
      error: { code: 1, codeName: 'CANCELLED' },
    });
    const operation = { ...cancelled, cloud: CLOUD };
    expect(await failureOf('disk-cancel-1h')).toMatchObject({ type: 'OperationCancelled', operation });
  });

  // Proves docs/contract.md: "Operations of Object Storage cannot be cancelled"
  test('operations of Object Storage cannot be cancelled: Cancel is refused, and the operation goes on', async () => {
    const id = 'storage-cancel-1h';
    await expect(interop.operations.cancel(id)).rejects.toMatchObject({
      name: 'OperationServiceError',
      code: 12,
      codeName: 'UNIMPLEMENTED',
      rawMessage: 'Object Storage does not support cancelling operations',
    });
    expect(await interop.operations.get(id)).toMatchObject({ id, state: 'running' });
  });
});

// Proves docs/contract.md: "Both calls require an `operation_id`, a string"
test('operation_id is required: without one nothing is sent', async () => {
  await expect(interop.operations.get('')).rejects.toThrow(/^operationId is "": give the id that the cloud returned/);
  await expect(interop.operations.cancel('')).rejects.toThrow(/^operationId is ""/);
  expect(await failureOf('')).toMatchObject({ type: 'OperationConfigurationError' });
});
