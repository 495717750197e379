import { loadDescriptors } from '../descriptors/load';
import { RequestError } from '../descriptors/check-request';
import { findOperationMethod } from '../descriptors/operation-method';
import { DescriptorError, type DescriptorRegistry } from '../descriptors/registry';
import { configurationError, toApplicationFailure } from '../model/failure';
import { OptionError } from '../model/check';
import { statusCode, type OperationSnapshot } from '../model/snapshot';
import { operationName } from '../model/texts';
import {
  encodeRequest,
  prepareCall,
  readReply,
  replyNotReceived,
  toBuffer,
  type Called,
  type CallTurn,
  type PreparedCall,
} from './call';
import { Caller, type Call, type CallObserver } from './caller';
import { MAXIMUM_REPLY_BYTES, type Reply } from '../transport/channel';
import type { OperationCall, OperationsApi, RawOperation } from '../apis/api';
import { OperationServiceError } from '../apis/error';
import { Discovery, fixedEndpoints, type Endpoints } from '../apis/discovery';
import { ServiceAccountCredentials, type BareCall } from '../apis/iam';
import { messageOf } from '../model/thrown';
import { resolveCloudOptions, type CloudOptions, type ResolvedCloudOptions } from './options';
import { toSnapshot } from './to-snapshot';
import { isReplyTooLarge, replyTooLarge, toStarted } from './started';

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
  readonly #endpoints: Endpoints;

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
    const endpoints = 'discovery' in root ? new Discovery(name, root.discovery, call) : fixedEndpoints(root.endpoint);
    this.#endpoints = endpoints;
    if (!credentials) return;
    const isKey = credentials instanceof ServiceAccountCredentials;
    const { audience } = endpoints;
    const tokens = { address: (signal: AbortSignal) => endpoints.tokens(signal), audience, call };
    this.#caller.authenticate(isKey ? credentials.of(tokens) : credentials);
  }

  /** Whether the worker itself sleeps through short intervals. */
  get watch(): boolean {
    return this.#options.watch;
  }

  /** Polls the operation once. */
  get(operationId: string, signal?: AbortSignal): Promise<Polled> {
    return this.#callOperation('poll', this.api.get, operationId, signal, (call) => this.#caller.call(call));
  }

  /** Asks the cloud to cancel the operation and returns its state at that moment. */
  cancel(operationId: string, signal?: AbortSignal): Promise<Polled> {
    return this.#cancel(operationId, signal, (call) => this.#caller.call(call, 'cancel'));
  }

  /**
   * Lets `calls` poll and cancel an operation in one turn of the rate limits, ahead of other waiting calls. If `signal`
   * aborts before the turn, rejects at once; if it aborts later, it aborts the calls.
   */
  async inOneTurn<T>(operationId: string, signal: AbortSignal, calls: (turn: CancelTurn) => Promise<T>): Promise<T> {
    const address = await this.#endpoints.operations(signal);
    return this.#caller.inOneTurn(
      { kind: 'poll', what: `Get of ${operationName(this.name, operationId)}`, address, path: this.api.get.path },
      (send) =>
        calls({
          get: () => this.#callOperation('poll', this.api.get, operationId, signal, send),
          cancel: () => this.#cancel(operationId, signal, send),
        }),
      { purpose: 'cancel', signal },
    );
  }

  /**
   * Calls a method that starts an operation and returns the operation. Checks the request against the descriptors
   * before sending it. A repeated call with the same key returns the same operation. `signal` aborts the call before it
   * is sent, `inFlight` afterwards.
   */
  async start(
    method: string,
    request: unknown,
    idempotencyKey: string,
    signal?: AbortSignal,
    inFlight = signal,
  ): Promise<Polled> {
    const found = findOperationMethod(this.registry, method);
    if (typeof found === 'string') throw configurationError(this.name, `method: ${found}`);
    const { path } = found;
    const what = `${this.name} ${path.slice(1)}`;
    let body: Buffer;
    try {
      body = encodeRequest(found.method.input, request, this.registry, this.api.isRequired);
    } catch (err) {
      if (err instanceof RequestError) throw configurationError(this.name, `${what}: ${err.message}`);
      throw err;
    }
    const { headers = {} } = this.api.mark(idempotencyKey, found.method) ?? {};
    const send = async (): Promise<Reply> => {
      const address = await this.#serviceAddress(found.method.parent.typeName, signal);
      return this.#caller.call({ kind: 'start', what, address, path, body, headers, signal, inFlight }, 'start');
    };
    try {
      const reply = await unlessAborted(what, send, signal, inFlight);
      const raw = this.#decoded(what, reply, () => this.api.decodeStarted(reply, found.method));
      return this.#polled(
        raw,
        toStarted(what, raw, (named) => this.#snapshot(named)),
      );
    } catch (err) {
      throw isReplyTooLarge(err) ? replyTooLarge(this.name, what, idempotencyKey) : err;
    }
  }

  /** Checks a call of a method that starts no operation. Throws an `OperationConfigurationError`. */
  prepare(method: string, request: unknown): PreparedCall {
    return prepareCall(this, method, request);
  }

  /** Makes the call, and decodes its reply. */
  async call(call: PreparedCall, { key, signal, inFlight = signal, isPoll }: CallTurn = {}): Promise<Called> {
    const { what, path, body, method, effect } = call;
    const { headers = {} } = (key === undefined ? undefined : this.api.mark(key, method)) ?? {};
    const kind = isPoll ? 'poll' : 'call';
    const send = async (): Promise<Reply> => {
      const address = await this.#serviceAddress(method.parent.typeName, signal);
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

  /** The address of a service that starts operations: configured by its name or longest package, else discovered. */
  async #serviceAddress(service: string, signal: AbortSignal | undefined): Promise<string> {
    for (let name = service; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
      const address = this.#options.services.get(name);
      if (address !== undefined) return address;
    }
    const address = await this.#endpoints.service(service, signal);
    if (address !== undefined) return address;
    const problem = `services: the cloud lists no endpoint for ${service}: give its host:port, or that of its package`;
    throw configurationError(this.name, problem);
  }

  async #cancel(operationId: string, signal: AbortSignal | undefined, make: Send): Promise<Polled> {
    const { cancel } = this.api;
    if (cancel) return this.#callOperation('cancel', cancel, operationId, signal, make);
    const what = `Cancel of ${operationName(this.name, operationId)}`;
    const message = `the API ${JSON.stringify(this.api.name)} cannot cancel operations`;
    throw new OperationServiceError(what, { code: statusCode('UNIMPLEMENTED'), message, neverSent: true });
  }

  async #callOperation(
    kind: 'poll' | 'cancel',
    { path, encode, decode }: OperationCall,
    operationId: string,
    signal: AbortSignal | undefined,
    make: Send,
  ): Promise<Polled> {
    const name = operationName(this.name, operationId);
    const what = `${kind === 'poll' ? 'Get' : 'Cancel'} of ${name}`;
    const send = async (): Promise<Reply> => {
      const address = await this.#endpoints.operations(signal);
      return make({ kind, what, address, path, body: toBuffer(encode(operationId)), signal });
    };
    try {
      const reply = await unlessAborted(what, send, signal);
      const raw = this.#decoded(what, reply, () => decode(reply));
      if (raw.id !== operationId) {
        const shown = JSON.stringify(raw.id.slice(0, 100));
        throw garbled(what, raw.id === '' ? 'names no operation' : `is about another operation, ${shown}`);
      }
      return this.#polled(raw, this.#snapshot(raw));
    } catch (err) {
      if (!isReplyTooLarge(err)) throw err;
      const message = `${name} cannot be read: its reply is larger than ${MAXIMUM_REPLY_BYTES / 2 ** 20} MiB. Read the resource with a call of your own`;
      throw toApplicationFailure({ type: 'OperationUnreadable', cloud: this.name, operationId, message, details: [] });
    }
  }

  #decoded(what: string, { body }: Reply, decode: () => RawOperation): RawOperation {
    // A proxy that has lost a reply returns an empty one.
    if (body.length === 0) throw garbled(what, 'names no operation');
    try {
      return decode();
    } catch (err) {
      throw garbled(what, `is not an Operation (${messageOf(err)})`);
    }
  }

  #snapshot(raw: RawOperation): OperationSnapshot {
    return toSnapshot(this.name, raw, this.registry, this.#options.progress);
  }

  #polled({ pollAfterMs }: RawOperation, operation: OperationSnapshot): Polled {
    return pollAfterMs === undefined ? { operation } : { operation, hintMs: pollAfterMs };
  }
}

function garbled(what: string, problem: string): OperationServiceError {
  return new OperationServiceError(what, { code: statusCode('INTERNAL'), message: `the reply ${problem}` });
}

/**
 * Rejects with CANCELLED if `signal` aborts while the call waits for its turn, a token or an endpoint, or if `inFlight`
 * aborts while it waits for the reply.
 */
async function unlessAborted<T>(
  what: string,
  work: () => Promise<T>,
  signal: AbortSignal | undefined,
  inFlight = signal,
): Promise<T> {
  try {
    return await work();
  } catch (err) {
    const neverSent = !(err instanceof OperationServiceError) || err.neverSent;
    if (!(neverSent ? signal : inFlight)?.aborted) throw err;
    const message = `the call was aborted before it was ${neverSent ? 'sent' : 'answered'}`;
    throw new OperationServiceError(what, { code: statusCode('CANCELLED'), message, neverSent });
  }
}
