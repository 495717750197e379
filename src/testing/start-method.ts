import { bytesToJson } from '../descriptors/any-to-json';
import type { OperationMethodTypes } from '../descriptors/operation-method';
import type { DescriptorRegistry } from '../descriptors/registry';
import { plainObject } from '../model/check';
import type { AnyJson } from '../model/snapshot';
import { checkScript, type CheckedScript } from './check-script';
import type { OperatedResource } from './readable-resources';
import { isDeletion, pathOf, resourceMethods, type ResourceMethods } from './resource-methods';

/** A method that starts operations and has a reply. */
export interface StartMethod {
  /** With the leading slash. */
  path: string;
  /** How the resources of its operations are read, if the service has methods for this. */
  resource?: ResourceMethods;
  /**
   * Returns the checked script for a request, and the resource that its operation changes. `find` returns a resource as
   * it is now. Throws if the reply throws or its script is invalid.
   */
  play(request: Uint8Array, find: (type: string, id: string) => AnyJson | undefined): PlayedStart;
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
  return {
    path: start.path,
    ...(resource && { resource }),
    play(request, find) {
      const json = plainObject('request', bytesToJson(method.input, request, registry));
      const type = resource && pathOf(resource.get);
      const named = resource && json[resource.id.jsonName];
      const found: unknown = type !== undefined && typeof named === 'string' ? find(type, named) : undefined;
      // The caller promises that Q and R are the JSON types of the method's descriptor; nothing can check that here.
      const script = checkScript(reply(json as Q, found as R | undefined), types);
      if (!resource || type === undefined || !('response' in script)) return { script };
      const isDeleted = isDeletion(method, resource.get);
      const id = isDeleted ? named : script.response.id;
      if (typeof id !== 'string' || id === '') return { script };
      return { script, resource: { type, id, ...(isDeleted && { isDeleted }) } };
    },
  };
}
