import type { WorkerPlugin } from '@temporalio/worker';
import { loadDescriptors } from '../descriptors/load';
import type { DescriptorRegistry } from '../descriptors/registry';
import { findMethod, findOperationMethod } from '../descriptors/operation-method';
import type { UnaryMethod } from '../model/method';
import { OptionError } from '../model/check';
import type { AnyJson, JsonObject } from '../model/snapshot';
import { OperationsPlugin } from '../plugin';
import { CallHandler, type FakeCloudCall, type Interceptor } from './call-handler';
import { checkScript } from './check-script';
import { serveResources } from './default-replies';
import { servedApi, type ServedApiOption } from './dialects/by-name';
import { operationVerbs, type ServedApi } from './dialects/served-api';
import { servedYandex } from './dialects/yandex';
import { newId } from './new-id';
import { RESOURCES_SET } from './resources-set';
import type { Script, StartingMethod, UnaryScript } from './script';
import { ScriptedOperations } from './scripted-operations';
import { UnaryServer } from './server';
import { startMethod } from './start-method';

/** Options of {@link FakeCloud.start}. */
export interface FakeCloudOptions {
  /** How the cloud expresses operations. @default 'yandex' */
  api?: ServedApiOption;
  /** The port to listen on. @default 0, a free port */
  port?: number;
  /** The clock of operations, in epoch milliseconds. Give a time-skipping test server's clock. @default Date.now */
  now?: () => number | Promise<number>;
  /** FileDescriptorSets, as files or bytes, that describe further methods and message types. @default none */
  descriptors?: (string | Uint8Array)[];
  /**
   * A file that keeps the operations. A FakeCloud that is started later on the same file knows them, their idempotency
   * keys and their cancellations. Two FakeClouds must not use one file at the same time. @default none, in memory only
   */
  file?: string;
}

/**
 * A gRPC server on a loopback port, without TLS, that runs scripted operations. It serves the operations of one `api`,
 * the methods that start them, and the methods that read what they created; `on` scripts these. With Yandex Cloud's API,
 * it serves the resource API by default (NetworkService, ClusterService, NodeGroupService), where every operation
 * succeeds within 2 s.
 *
 * Operations are kept in memory, and with `file` also on disk. When there are more than 100,000, FakeCloud forgets the
 * oldest ones that are done: Get then replies NOT_FOUND. A restart on the same `file` loses only the counts of injected
 * faults.
 */
export class FakeCloud {
  readonly #served: ServedApi;
  readonly #descriptors: (string | Uint8Array)[];
  readonly #watch: boolean;
  readonly #registry: DescriptorRegistry;
  readonly #now: () => number | Promise<number>;
  readonly #operations: ScriptedOperations;
  readonly #desk: CallHandler;
  readonly #server = new UnaryServer();
  readonly #paths = new Set<string>();
  #address = '';

  private constructor({ api = 'yandex', now = Date.now, descriptors = [], file }: FakeCloudOptions) {
    this.#served = servedApi(api);
    this.#descriptors = [...descriptors, Buffer.from(RESOURCES_SET, 'base64')];
    this.#watch = now === Date.now;
    this.#registry = loadDescriptors(this.#descriptors);
    this.#now = () => {
      const time = now();
      return typeof time === 'number' ? whole(time) : time.then(whole);
    };
    this.#operations = new ScriptedOperations(this.#registry, file);
    this.#desk = new CallHandler(this.#served, this.#registry, this.#operations, this.#now);
    this.#serve([...operationVerbs(this.#served).keys()]);
    if (this.#served === servedYandex) serveResources(this);
  }

  /** Starts to listen on 127.0.0.1. Rejects if the port is taken, or if a descriptor set or `file` cannot be read. */
  static async start(options: FakeCloudOptions = {}): Promise<FakeCloud> {
    const cloud = new FakeCloud(options);
    cloud.#address = await cloud.#server.listen(options.port ?? 0);
    return cloud;
  }

  /** `127.0.0.1:port`. Give it to a worker as `{ endpoint: cloud.address, plaintext: true }`. */
  get address(): string {
    return this.#address;
  }

  /** The calls so far, earliest first, except those of methods without a reply. */
  get calls(): readonly FakeCloudCall[] {
    return this.#desk.calls;
  }

  /**
   * Sets what a method does, and replaces what was set before. `script` is called for each call, with the request as
   * canonical JSON, and with the resource that the request names by its id, as Get returns it, if there is one.
   *
   * If the method starts operations, Get and List of its service return the resources that they create. A method that
   * starts none has a reply, or a list of stages: they begin when the resource is created, or else with the first call
   * of the same request. `undefined` stands for the reply that Get and List have by themselves. Throws if no descriptor
   * has the method, or if the method is streaming.
   */
  on<Q = JsonObject, R = AnyJson, M = AnyJson>(
    method: StartingMethod<Q, R, M> | string,
  ): { reply(script: (request: Q, resource: R | undefined) => Script<R, M>): FakeCloud };
  on<Q = JsonObject, R = JsonObject>(
    method: UnaryMethod<Q, R>,
  ): { reply(script: (request: Q, resource: R | undefined) => UnaryScript<R> | undefined): FakeCloud };
  on<Q, R>(
    method: { path: string } | string,
  ): {
    reply(script: (request: Q, resource: R | undefined) => unknown): FakeCloud;
  } {
    return {
      reply: (script) => {
        this.#serve(this.#set(typeof method === 'string' ? method : method.path, script));
        return this;
      },
    };
  }

  /**
   * Begins an operation without a call, and returns its id: 20 characters, random. If `now` returns a promise, the
   * operation begins, and is written to `file`, when that promise resolves. Throws if the script is invalid.
   */
  operation(script: Script): string {
    const checked = checkScript(script);
    if ('refuse' in checked) {
      throw new OptionError('script.refuse', checked.refuse.code, 'only a method can refuse: use on().reply()');
    }
    const id = this.#served.newId?.(newId(), {}) ?? newId();
    return this.#operations.begin(checked, this.#now(), { id }).id;
  }

  /** Adds an interceptor for every call. The first one that returns an effect wins, even over the script's faults. */
  intercept(interceptor: Interceptor): FakeCloud {
    this.#desk.interceptors.push(interceptor);
    return this;
  }

  /**
   * Returns an OperationsPlugin for a test's worker, which configures this cloud under the name `cloud`. If `now` was
   * given, the worker polls by activity retries only: a time-skipping server does not skip while a worker watches.
   */
  plugin(cloud = 'fakecloud'): WorkerPlugin {
    const descriptors = this.#descriptors;
    const { api } = this.#served;
    const options = { api, endpoint: this.address, plaintext: true, descriptors, watch: this.#watch };
    return new OperationsPlugin({ clouds: { [cloud]: options } });
  }

  /** Ends hanging calls, closes every connection and frees the port. */
  close(): Promise<void> {
    return this.#server.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Returns the paths that have a reply now. */
  #set<Q, R>(path: string, script: (request: Q, resource: R | undefined) => unknown): string[] {
    const method = findMethod(this.#registry, path);
    if (typeof method === 'string') {
      throw new OptionError('method', path, `${method} (FakeCloud.start takes \`descriptors\`)`);
    }
    if (method.methodKind !== 'unary')
      throw new OptionError('method', path, 'a streaming method has no scripted reply');
    const found = findOperationMethod(this.#registry, path, this.#served.api.starts);
    if (typeof found === 'string') return [this.#desk.unary.set(method, script)];
    const start = startMethod(found, script, this.#registry);
    this.#desk.methods.set(start.path, start);
    return [start.path, ...(start.resource ? this.#desk.unary.serve(start.resource) : [])];
  }

  #serve(paths: string[]): void {
    for (const path of paths) {
      if (!this.#paths.has(path)) this.#server.answer(path, (call) => this.#desk.answer(call));
      this.#paths.add(path);
    }
  }
}

function whole(now: number): number {
  return Math.max(0, Math.round(now));
}
