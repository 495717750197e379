import type { OperationsApi, RawOperation } from '../apis/api';
import { OperationServiceError } from '../apis/error';
import type { RawAny } from '../descriptors/any-to-json';
import { jsonToRequest } from '../descriptors/json-to-request';
import { findOperationMethod, type ResourceRead } from '../descriptors/operation-method';
import { wireFields } from '../descriptors/option-values';
import type { DescriptorRegistry } from '../descriptors/registry';
import { toApplicationFailure } from '../model/failure';
import type { JsonObject, OperationSnapshot } from '../model/snapshot';
import { nameOf, operationName } from '../model/texts';
import type { Reply } from '../transport/channel';
import type { Call } from './caller';
import type { Hosts, OperationRef } from './hosts';
import { unlessAborted } from './replies';

/** The result of an operation that leaves nothing to read. */
const NOTHING: RawAny = { typeUrl: 'type.googleapis.com/google.protobuf.Empty', value: new Uint8Array() };

/** The results of operations that do not contain them: resources, which have to be read. */
export class Results {
  constructor(
    private readonly cloud: string,
    private readonly api: OperationsApi,
    private readonly registry: DescriptorRegistry,
    private readonly hosts: Hosts,
    private readonly snapshot: (raw: RawOperation) => OperationSnapshot,
  ) {}

  /**
   * The operation with its result, which is read with `make` if the API's operations do not contain it. Rejects with an
   * OperationServiceError, whose `operation` is the snapshot, if the resource cannot be read.
   */
  async with(
    raw: RawOperation,
    { method, service = method, resourceId = raw.resourceId }: OperationRef,
    signal: AbortSignal | undefined,
    make: (call: Call) => Promise<Reply>,
  ): Promise<RawOperation> {
    if (!this.api.starts.reads || !raw.done || raw.error || raw.response) return raw;
    const named = { ...raw, ...(resourceId !== undefined && { resourceId }), response: NOTHING };
    const start = service?.includes('/') ? findOperationMethod(this.registry, service, this.api.starts) : undefined;
    const resource = typeof start === 'object' ? start.resource : undefined;
    if (!resource) return named;
    if (resourceId === undefined) {
      if (method === undefined) return named;
      throw this.#notNamed(this.snapshot(named), resource);
    }
    const what = `Get of ${JSON.stringify(resourceId)}, the resource of ${operationName(this.cloud, raw.id)}`;
    const send = async (): Promise<Reply> => make(await this.#call(what, resource, resourceId, signal));
    try {
      const reply = await unlessAborted(what, send, signal);
      return { ...named, response: resourceIn(resource, reply.body) };
    } catch (err) {
      throw err instanceof OperationServiceError ? err.after(what, this.snapshot(named)) : err;
    }
  }

  async #call(what: string, { method, id }: ResourceRead, resourceId: string, signal?: AbortSignal): Promise<Call> {
    const { parent, name, input } = method;
    const request = { [id.jsonName]: resourceId };
    const bytes = jsonToRequest(input, request, this.registry);
    return {
      kind: 'read',
      what,
      address: await this.hosts.ofService(parent.typeName, signal),
      path: `/${parent.typeName}/${name}`,
      body: Buffer.from(bytes),
      headers: { ...this.api.headers?.({ method, request }) },
      signal,
    };
  }

  #notNamed(operation: OperationSnapshot, { method }: ResourceRead): Error {
    const reader = `${method.parent.typeName}/${method.name}`;
    return toApplicationFailure({
      type: 'OperationUnreadable',
      cloud: this.cloud,
      operationId: operation.id,
      message: `${nameOf(operation)} succeeded, but its result cannot be read: the operation does not name its resource, and only the workflow that started it knows the ID. Wait without a method, and read the resource with ${reader}`,
      details: [],
      operation,
    });
  }
}

function resourceIn({ method, field }: ResourceRead, reply: Uint8Array): RawAny {
  const { typeName } = field?.message ?? method.output;
  const parts = (): Uint8Array[] =>
    wireFields(reply).flatMap(({ number, bytes }) => (number === field?.number ? bytes : []));
  return { typeUrl: `type.googleapis.com/${typeName}`, value: field ? Buffer.concat(parts()) : reply };
}

/** The ID of the resource, if the reply to the start or the start's request has it. */
export function resourceIdOf(
  read: ResourceRead | undefined,
  reply: Uint8Array,
  request: JsonObject,
): string | undefined {
  if (!read?.idFrom) return undefined;
  const { number, name, jsonName } = read.idFrom.field;
  const id =
    read.idFrom.in === 'reply'
      ? wireFields(reply).findLast((field) => field.number === number)?.text
      : (request[jsonName] ?? request[name]);
  return typeof id === 'string' && id !== '' ? id : undefined;
}
