import type { WorkerPlugin } from '@temporalio/worker';
import { loadDescriptors } from '../descriptors/load';
import type { DescriptorRegistry } from '../descriptors/registry';
import type { OperationMethod } from '../model/method';
import { OptionError } from '../model/options';
import type { AnyJson, JsonObject } from '../model/snapshot';
import { OperationsPlugin } from '../plugin';
import { CallHandler, startMethod, type FakeCloudCall, type Interceptor } from './call-handler';
import { checkScript } from './check-script';
import { serveResources } from './default-replies';
import { OPERATION_METHODS } from './envelope';
import { RESOURCES_SET } from './resources-set';
import type { Script } from './script';
import { ScriptedOperations } from './scripted-operations';
import { UnaryServer } from './server';

/** How a FakeCloud is started. */
export interface FakeCloudOptions {
  /** @default 0, a free one */
  port?: number;
  /** Epoch milliseconds, by which operations go on: of a test server that skips time, its time. @default Date.now */
  now?: () => number | Promise<number>;
  /** FileDescriptorSets, as files or bytes, of more methods to start and types to send. @default none */
  descriptors?: (string | Uint8Array)[];
}

/**
 * A real gRPC server on a loopback port, without TLS, that plays scripted operations: OperationService for all of them,
 * and the methods that start them. It serves the resource API (NetworkService, ClusterService, NodeGroupService), where
 * everything succeeds within 2 s unless `on` says otherwise.
 *
 * An operation lives in its id: a FakeCloud started anew on the same port, in another process too, answers for those of
 * the former one. Only cancellations, the count of spoilt calls and idempotency keys are forgotten.
 */
export class FakeCloud {
  readonly #descriptors: (string | Uint8Array)[];
  readonly #watch: boolean;
  readonly #registry: DescriptorRegistry;
  readonly #now: () => number | Promise<number>;
  readonly #operations: ScriptedOperations;
  readonly #desk: CallHandler;
  readonly #server = new UnaryServer();
  #address = '';

  private constructor({ now = Date.now, descriptors = [] }: FakeCloudOptions) {
    this.#descriptors = [...descriptors, Buffer.from(RESOURCES_SET, 'base64')];
    this.#watch = now === Date.now;
    this.#registry = loadDescriptors(this.#descriptors);
    this.#now = () => {
      const time = now();
      return typeof time === 'number' ? whole(time) : time.then(whole);
    };
    this.#operations = new ScriptedOperations(this.#registry);
    this.#desk = new CallHandler(this.#registry, this.#operations, this.#now);
    for (const path of OPERATION_METHODS.keys()) this.#serve(path);
    serveResources((method) => this.on(method));
  }

  /** Listens on 127.0.0.1. Rejects when the port is taken or a descriptor set cannot be read. */
  static async start(options: FakeCloudOptions = {}): Promise<FakeCloud> {
    const cloud = new FakeCloud(options);
    cloud.#address = await cloud.#server.listen(options.port ?? 0);
    return cloud;
  }

  /** `127.0.0.1:port`, to be given as `{ endpoint, plaintext: true }`. */
  get address(): string {
    return this.#address;
  }

  /** The calls so far, the earliest first; those of methods without a reply are not among them. */
  get calls(): readonly FakeCloudCall[] {
    return this.#desk.calls;
  }

  /**
   * Sets what a method does; the latest reply counts. The script is made from each request's canonical JSON. Throws when
   * no descriptor has the method, or when it does not return an operation.
   */
  on<Q = JsonObject, R = AnyJson, M = AnyJson>(
    method: OperationMethod<Q, R, M> | string,
  ): { reply(script: (request: Q) => Script<R, M>): FakeCloud } {
    return {
      reply: (script) => {
        const start = startMethod(typeof method === 'string' ? method : method.path, script, this.#registry);
        if (!this.#desk.methods.has(start.path)) this.#serve(start.path);
        this.#desk.methods.set(start.path, start);
        return this;
      },
    };
  }

  /**
   * Begins an operation that no method has started, and returns its id. Where `now` gives a promise, the time of the
   * beginning is kept in memory: for a FakeCloud started anew it begins when it is first asked for. Throws for a script
   * that cannot be played, or whose id would be over 512 bytes.
   */
  operation(script: Script): string {
    const checked = checkScript(script);
    if ('refuse' in checked) {
      throw new OptionError('script.refuse', checked.refuse.code, 'only a method can refuse: use on().reply()');
    }
    return this.#operations.begin(checked, this.#now()).id;
  }

  /** Lets `interceptor` look at every call; the first of them that returns something wins, also over a script's faults. */
  intercept(interceptor: Interceptor): FakeCloud {
    this.#desk.interceptors.push(interceptor);
    return this;
  }

  /**
   * An OperationsPlugin that knows this cloud under that name, for a worker of a test. Where `now` was given the worker
   * does not watch short intervals itself: a test server that skips time would stand still meanwhile.
   */
  plugin(cloud = 'fakecloud'): WorkerPlugin {
    const descriptors = this.#descriptors;
    const options = { endpoint: this.address, plaintext: true, descriptors, watch: this.#watch };
    return new OperationsPlugin({ clouds: { [cloud]: options } });
  }

  /** Ends calls that hang, closes every connection and frees the port. */
  close(): Promise<void> {
    return this.#server.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #serve(path: string): void {
    this.#server.answer(path, (call) => this.#desk.answer(call));
  }
}

function whole(now: number): number {
  return Math.max(0, Math.round(now));
}
