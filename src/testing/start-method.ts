import { bytesToJson } from '../descriptors/any-to-json';
import type { OperationMethodTypes } from '../descriptors/operation-method';
import type { DescriptorRegistry } from '../descriptors/registry';
import { plainObject } from '../model/check';
import type { AnyJson, JsonObject } from '../model/snapshot';
import { checkScript, type CheckedScript } from './check-script';
import { newId } from './new-id';
import type { OperatedResource } from './readable-resources';
import { idIn, isDeletion, pathOf, resourceMethods, type ResourceMethods } from './resource-methods';

/** A method that starts operations and has a reply. */
export interface StartMethod {
  /** With the leading slash. */
  path: string;
  start: OperationMethodTypes;
  /** How the resources are read that its operations create, if the service has methods for this. */
  resource?: ResourceMethods;
  /** Decodes a request to canonical JSON. */
  request(bytes: Uint8Array): JsonObject;
  /**
   * Returns the checked script for a request, and the resource that its operation changes. `find` returns a resource as
   * it is now. Throws if the reply throws or its script is invalid.
   */
  play(request: JsonObject, find: (type: string, id: string) => AnyJson | undefined): PlayedStart;
}

export interface PlayedStart {
  script: CheckedScript;
  resource?: OperatedResource;
}

/** `reply` returns a Script. */
export function startMethod<Q, R>(
  start: OperationMethodTypes,
  reply: (request: Q, resource: R | undefined) => unknown,
  registry: DescriptorRegistry,
): StartMethod {
  const { method, responseType, metadataType } = start;
  const resource = resourceMethods(start);
  const types = {
    ...(responseType && { response: responseType.typeName }),
    ...(metadataType && { metadata: metadataType.typeName }),
  };
  const isDelete = resource !== undefined && isDeletion(method, resource.get);
  return {
    path: start.path,
    start,
    ...(resource && !isDelete && { resource }),
    request: (bytes) => plainObject('request', bytesToJson(method.input, bytes, registry)),
    play(request, find) {
      const type = resource && pathOf(resource.get);
      const named = resource && request[resource.id.jsonName];
      const found: unknown = type !== undefined && typeof named === 'string' ? find(type, named) : undefined;
      // The caller promises that Q and R are the JSON types of the method's descriptor; nothing can check that here.
      const script = checkScript(reply(request as Q, found as R | undefined), types);
      if (!resource || type === undefined || !('response' in script)) return { script };
      const id = isDelete ? named : (idIn(resource, script.response) ?? (start.resource && newId()));
      if (typeof id !== 'string' || id === '') return { script };
      return { script, resource: { type, id, ...(isDelete && { isDeleted: true }) } };
    },
  };
}
