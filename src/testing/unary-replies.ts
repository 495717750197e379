import { fromJsonString, toBinary, type DescMethod } from '@bufbuild/protobuf';
import { bytesToJson } from '../descriptors/any-to-json';
import type { DescriptorRegistry } from '../descriptors/registry';
import { plainObject } from '../model/check';
import { statusCode, type JsonObject } from '../model/snapshot';
import { checkUnaryScript, type CheckedStage } from './check-unary-script';
import { callFailure } from './faults';
import type { ReadableResources, Resource } from './readable-resources';
import { pathOf, type ListMethod, type ResourceMethods } from './resource-methods';
import type { IncomingCall, OutgoingReply } from './server';

/** What FakeCloud replies to the method at one path. */
interface UnaryMethodReply {
  method: DescMethod;
  resources?: ResourceMethods;
  /** Returns a UnaryScript; undefined if the reply is to be that of the resources. */
  script?: (request: unknown, resource: unknown) => unknown;
}

/** As in Yandex Cloud. */
const DEFAULT_PAGE_SIZE = 100;

/** The replies of methods that start no operation: those that are set, and Get and List for the resources. */
export class UnaryReplies {
  readonly #registry: DescriptorRegistry;
  readonly #resources: ReadableResources;
  readonly #methods = new Map<string, UnaryMethodReply>();
  /** When a request with stages was first received, by path and request. */
  readonly #firstCalls = new Map<string, number>();

  constructor(registry: DescriptorRegistry, resources: ReadableResources) {
    this.#registry = registry;
    this.#resources = resources;
  }

  /** Sets the reply of a method. Returns its path. */
  set<Q, R>(method: DescMethod, script: (request: Q, resource: R | undefined) => unknown): string {
    const path = pathOf(method);
    this.#methods.set(path, {
      ...this.#methods.get(path),
      method,
      // The caller promises that Q and R are the JSON types of the method's descriptor; nothing can check that here.
      script: (request, resource) => script(request as Q, resource as R | undefined),
    });
    return path;
  }

  /** Lets Get and List return the resources. Returns their paths. */
  serve(resources: ResourceMethods): string[] {
    const { get, list } = resources;
    return [get, ...(list ? [list.method] : [])].map((method) => {
      const path = pathOf(method);
      this.#methods.set(path, { ...this.#methods.get(path), method, resources });
      return path;
    });
  }

  /** Answers a call. Throws the CallFailure that the caller is to get. */
  reply({ path, body }: IncomingCall, at: number): OutgoingReply {
    const found = this.#methods.get(path);
    if (!found) throw new Error('it has no reply');
    const { method, resources, script } = found;
    const request = plainObject('request', bytesToJson(method.input, body, this.#registry));
    const isGet = resources?.get === method;
    const resource = isGet ? this.#find(resources, request, at) : undefined;
    const scripted = script?.(request, resource?.value);
    if (scripted !== undefined) {
      const stages = checkUnaryScript(scripted);
      const call = `${path} ${body.toString('base64')}`;
      return this.#stage(method, stages, at - (resource?.createdAt ?? this.#firstCall(call, at)));
    }
    if (isGet) {
      const value = withoutType(resource?.value ?? this.#notFound(resources, request));
      return this.#encode(method, resources.field ? { [resources.field.jsonName]: value } : value);
    }
    if (resources?.list) return this.#encode(method, this.#list(resources.list, pathOf(resources.get), request, at));
    throw new Error('its reply is undefined, and no operation of its service creates the resource that it reads');
  }

  #find({ get, id }: ResourceMethods, request: JsonObject, at: number): Resource | undefined {
    return this.#resources.find(pathOf(get), String(request[id.jsonName]), at);
  }

  #stage(method: DescMethod, stages: [CheckedStage, ...CheckedStage[]], age: number): OutgoingReply {
    const stage = stages.findLast(({ after }) => after <= age) ?? stages[0];
    if ('error' in stage) throw callFailure(stage.error, this.#registry);
    return this.#encode(method, stage.response);
  }

  #firstCall(call: string, at: number): number {
    const first = this.#firstCalls.get(call) ?? at;
    this.#firstCalls.set(call, first);
    return first;
  }

  #notFound({ get, id, field }: ResourceMethods, request: JsonObject): never {
    const message = `${(field?.message ?? get.output).name} ${String(request[id.jsonName])} not found`;
    throw callFailure({ code: statusCode('NOT_FOUND'), message }, this.#registry);
  }

  /** One page of the resources whose fields equal the ids in the request, such as `folder_id`. */
  #list({ method, items }: ListMethod, type: string, request: JsonObject, at: number): JsonObject {
    const ids = method.input.fields.filter(({ name }) => name.endsWith('_id')).map(({ jsonName }) => jsonName);
    const all = this.#resources
      .list(type, at)
      .filter(({ value }) => ids.every((id) => !request[id] || value[id] === undefined || value[id] === request[id]));
    const begin = this.#pageBegin(request.pageToken ?? '');
    const end = begin + (Number(request.pageSize ?? 0) || DEFAULT_PAGE_SIZE);
    const hasToken = method.output.fields.some(({ name }) => name === 'next_page_token');
    return {
      [items.jsonName]: all.slice(begin, end).map(({ value }) => withoutType(value)),
      ...(hasToken && end < all.length && { nextPageToken: String(end) }),
    };
  }

  /** Page tokens are the number of resources on the pages before. */
  #pageBegin(token: unknown): number {
    if (typeof token === 'string' && /^\d*$/.test(token)) return Number(token);
    const message = `page_token is ${JSON.stringify(token)}: give the next_page_token of the previous page`;
    throw callFailure({ code: statusCode('INVALID_ARGUMENT'), message }, this.#registry);
  }

  #encode({ output }: DescMethod, json: JsonObject): OutgoingReply {
    const text = JSON.stringify(withoutType(json));
    return { body: Buffer.from(toBinary(output, fromJsonString(output, text, { registry: this.#registry }))) };
  }
}

function withoutType({ '@type': _, ...fields }: JsonObject): JsonObject {
  return fields;
}
