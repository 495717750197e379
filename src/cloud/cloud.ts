import { loadDescriptors } from '../descriptors/load';
import { findOperationMethod, type OperationMethodTypes } from '../descriptors/operation-method';
import { DescriptorError, type DescriptorRegistry } from '../descriptors/registry';
import { configurationError } from '../model/failure';
import { fieldsOf, OptionError } from '../model/check';
import { statusCode, type JsonObject, type OperationSnapshot } from '../model/snapshot';
import { operationName } from '../model/texts';
import { prepareCall, readReply, replyNotReceived, type Called, type CallTurn, type PreparedCall } from './call';
import { Caller, type Call, type CallObserver } from './caller';
import type { Reply } from '../transport/channel';
import type { OperationCall, OperationRequest, OperationsApi, RawOperation } from '../apis/api';
import { OperationServiceError } from '../apis/error';
import { Discovery, fixedEndpoints, type Endpoints } from '../apis/discovery';
import type { BareCall, TokenService } from '../apis/iam';
import { Hosts, type OperationRef } from './hosts';
import { bindCredentials } from './identity';
import { resolveCloudOptions, type CloudOptions, type ResolvedCloudOptions } from './options';
import { canMark, markedRequest, toBuffer } from './marked-request';
import { decodeReply, unlessAborted, unlessTooLarge } from './replies';
import { resourceIdOf, Results } from './results';
import { isReplyTooLarge, replyTooLarge, toStarted } from './started';
import { toSnapshot } from './to-snapshot';

/** An operation, and how long the server asks to wait before the next poll. */
export interface Polled {
  operation: OperationSnapshot;
  hintMs?: number;
}

/** The calls of a cancellation, made in one turn. Each works like the method of {@link Cloud} with the same name. */
export interface CancelTurn {
  get(): Promise<Polled>;
  cancel(): Promise<Polled>;
}

type Send = (call: Call) => Promise<Reply>;

/**
 * One configured cloud: makes calls and interprets the replies. Calls reject with an OperationServiceError or an
 * ApplicationFailure: `OperationUnreadable` for a reply that breaks the API contract, `OperationConfigurationError` for
 * an invalid start.
 */
export class Cloud {
  readonly registry: DescriptorRegistry;
  readonly api: OperationsApi;
  readonly #options: ResolvedCloudOptions;
  readonly #caller: Caller;
  readonly #hosts: Hosts;
  readonly #results: Results;

  /** Throws an `OperationConfigurationError` for invalid options. Connects at the first call. */
  constructor(
    readonly name: string,
    options: CloudOptions,
    observer?: CallObserver,
  ) {
    try {
      this.#options = resolveCloudOptions(options);
      this.registry = loadDescriptors(this.#options.descriptors);
    } catch (err) {
      if (!(err instanceof OptionError || err instanceof DescriptorError)) throw err;
      throw configurationError(name, `cloud ${JSON.stringify(name)}: ${err.message}`);
    }
    this.api = this.#options.api;
    this.#caller = new Caller(name, this.#options, this.registry, observer);
    const { root, credentials } = this.#options;
    const call = (bare: BareCall): Promise<Reply> => this.#caller.callBare(bare);
    const endpoints = root && endpointsOf(name, root, call);
    this.#hosts = new Hosts(name, this.#options, this.registry, endpoints);
    this.#results = new Results(name, this.api, this.registry, this.#hosts, (raw) => this.#snapshot(raw));
    if (!credentials) return;
    const tokens: TokenService = {
      address: (signal) => endpoints?.tokens(signal) ?? Promise.reject(new Error('the API has no token service')),
      audience: endpoints?.audience,
      call,
    };
    this.#caller.authenticate(bindCredentials(credentials, this.api, tokens));
  }

  /** Whether the worker itself sleeps through short intervals. */
  get watch(): boolean {
    return this.#options.watch;
  }

  /** Polls the operation once. If it succeeded and its result is a resource, reads the resource. */
  get(operation: OperationRef, signal?: AbortSignal): Promise<Polled> {
    return this.#poll(operation, signal, (call) => this.#caller.call(call));
  }

  /** Asks the cloud to cancel the operation and returns its state at that moment. */
  cancel(operation: OperationRef, signal?: AbortSignal): Promise<Polled> {
    return this.#cancel(operation, signal, (call) => this.#caller.call(call, 'cancel'));
  }

  /**
   * Lets `calls` poll and cancel an operation in one turn of the rate limits, ahead of other waiting calls. If `signal`
   * aborts before the turn, rejects at once; if it aborts later, it aborts the calls.
   */
  async inOneTurn<T>(
    operation: OperationRef,
    signal: AbortSignal,
    calls: (turn: CancelTurn) => Promise<T>,
  ): Promise<T> {
    const address = await this.#hosts.ofOperation(operation, signal);
    const what = `Get of ${operationName(this.name, operation.operationId)}`;
    return this.#caller.inOneTurn(
      { kind: 'poll', what, address, path: this.api.get.path },
      (send) =>
        calls({
          get: () => this.#poll(operation, signal, send),
          cancel: () => this.#cancel(operation, signal, send),
        }),
      { purpose: 'cancel', signal },
    );
  }

  /** What {@link get} depends on: the polls of waits with the same key can be shared. */
  keyOf({ operationId, method, service, resourceId }: OperationRef): string {
    const isPlain = !this.api.hostsOf && !this.api.starts.reads;
    return JSON.stringify(isPlain ? operationId : [operationId, method, service, resourceId]);
  }

  /** The method at `path` that starts operations, or a text that says why there is none. */
  findStart(path: string): OperationMethodTypes | string {
    return findOperationMethod(this.registry, path, this.api.starts);
  }

  /**
   * Whether the cloud recognises a repeated start with this request and the same key. If the method or the request is
   * invalid, it does not matter.
   */
  isMarked(method: string, request: JsonObject): boolean {
    const start = this.findStart(method);
    return typeof start === 'string' || canMark(this.api, start.method, request);
  }

  /**
   * Calls a method that starts an operation and returns the operation. Checks the request against the descriptors
   * before sending it. A repeated call with the same key returns the same operation if {@link isMarked}. `signal` aborts
   * the call before it is sent, `inFlight` afterwards.
   */
  async start(method: string, request: unknown, key: string, signal?: AbortSignal, inFlight = signal): Promise<Polled> {
    const start = this.findStart(method);
    if (typeof start === 'string') throw configurationError(this.name, `method: ${start}`);
    const { what, body, headers } = markedRequest(this, start.method, request, key);
    const { path } = start;
    const send = async (): Promise<Reply> => {
      const address = await this.#hosts.ofService(start.method.parent.typeName, signal);
      const call = { what, address, path, body, headers, signal, inFlight };
      return this.#caller.call({ kind: 'start', ...call }, 'start');
    };
    try {
      const reply = await unlessAborted(what, send, signal, inFlight);
      const decode = (): RawOperation => this.api.decodeStarted(reply, start);
      const decoded = decodeReply({ what, cloud: this.name }, reply, decode);
      const resourceId = resourceIdOf(start.resource, reply.body, fieldsOf(request));
      const raw = await this.#started(what, path, { ...decoded, ...(resourceId && { resourceId }) }, inFlight);
      return this.#polled(
        raw,
        toStarted(what, raw, (named) => this.#snapshot(named)),
      );
    } catch (err) {
      throw isReplyTooLarge(err) ? replyTooLarge(this.name, what, key) : err;
    }
  }

  /** Checks a call of a method that starts no operation. Throws an `OperationConfigurationError`. */
  prepare(method: string, request: unknown): PreparedCall {
    return prepareCall(this, method, request);
  }

  /** Makes the call, and decodes its reply. */
  async call(call: PreparedCall, { key, signal, inFlight = signal, isPoll }: CallTurn = {}): Promise<Called> {
    const { what, path, method, effect } = call;
    const { body, headers } = key === undefined ? call.unmarked : markedRequest(this, method, call.request, key);
    const kind = isPoll ? 'poll' : 'call';
    const send = async (): Promise<Reply> => {
      const address = await this.#hosts.ofService(method.parent.typeName, signal);
      const sent = { kind, what, address, path, body, headers, signal, inFlight } as const;
      return this.#caller.call(sent, effect === 'read' ? 'poll' : 'start');
    };
    try {
      const reply = await unlessAborted(what, send, signal, inFlight);
      return readReply(this, call, reply.body);
    } catch (err) {
      throw isReplyTooLarge(err) ? replyNotReceived(this.name, call) : err;
    }
  }

  close(): void {
    this.#caller.close();
  }

  /** A started operation with its result, if it is done. One without an ID cannot be polled for its result later. */
  async #started(what: string, service: string, raw: RawOperation, signal?: AbortSignal): Promise<RawOperation> {
    try {
      return await this.#results.with(raw, { operationId: raw.id, service }, signal, (call) => this.#caller.call(call));
    } catch (err) {
      if (!(err instanceof OperationServiceError)) throw err;
      if (raw.id !== '') return { ...raw, done: false };
      throw new OperationServiceError(what, { code: statusCode('UNAVAILABLE'), message: err.message });
    }
  }

  async #cancel(operation: OperationRef, signal: AbortSignal | undefined, make: Send): Promise<Polled> {
    const { cancel } = this.api;
    const what = `Cancel of ${operationName(this.name, operation.operationId)}`;
    if (!cancel) {
      const message = `the API ${JSON.stringify(this.api.name)} cannot cancel operations`;
      throw new OperationServiceError(what, { code: statusCode('UNIMPLEMENTED'), message, neverSent: true });
    }
    const reply = await this.#callOperation('cancel', what, cancel, operation, signal, make);
    if (!cancel.decode) return this.#poll(operation, signal, make);
    return this.#read(what, operation, reply, cancel.decode, signal, make);
  }

  async #poll(operation: OperationRef, signal: AbortSignal | undefined, make: Send): Promise<Polled> {
    const { get } = this.api;
    const what = `Get of ${operationName(this.name, operation.operationId)}`;
    const reply = await this.#callOperation('poll', what, get, operation, signal, make);
    return this.#read(what, operation, reply, get.decode, signal, make);
  }

  #callOperation(
    kind: 'poll' | 'cancel',
    what: string,
    { path, encode }: OperationRequest,
    operation: OperationRef,
    signal: AbortSignal | undefined,
    make: Send,
  ): Promise<Reply> {
    const { operationId } = operation;
    const send = async (): Promise<Reply> => {
      const address = await this.#hosts.ofOperation(operation, signal);
      const headers = { ...this.api.headers?.({ operationId }) };
      return make({ kind, what, address, path, body: toBuffer(encode(operationId)), headers, signal });
    };
    return unlessTooLarge({ cloud: this.name, operationId }, () => unlessAborted(what, send, signal));
  }

  async #read(
    what: string,
    operation: OperationRef,
    reply: Reply,
    decode: OperationCall['decode'],
    signal: AbortSignal | undefined,
    make: Send,
  ): Promise<Polled> {
    const expected = { what, cloud: this.name, operationId: operation.operationId };
    const raw = decodeReply(expected, reply, decode);
    const full = await unlessTooLarge(expected, () => this.#results.with(raw, operation, signal, make));
    return this.#polled(full, this.#snapshot(full));
  }

  #snapshot(raw: RawOperation): OperationSnapshot {
    return toSnapshot(this.name, raw, this.registry, this.#options.progress);
  }

  #polled({ pollAfterMs }: RawOperation, operation: OperationSnapshot): Polled {
    return pollAfterMs === undefined ? { operation } : { operation, hintMs: pollAfterMs };
  }
}

function endpointsOf(
  cloud: string,
  root: NonNullable<ResolvedCloudOptions['root']>,
  call: (bare: BareCall) => Promise<Reply>,
): Endpoints {
  return 'discovery' in root ? new Discovery(cloud, root.discovery, call) : fixedEndpoints(root.endpoint);
}
