import { statusCode, type StatusCodeName } from '../src/model/snapshot';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationScript } from 'temporal-lro/testing';
import { decodeOperation } from '../src/apis/yandex';
import { loadDescriptors } from '../src/descriptors/load';
import { yandexApi } from '../src/apis/yandex';
import { findOperationMethod } from '../src/descriptors/operation-method';
import { IDEMPOTENCY_KEY_HEADER } from '../src/model/names';
import { CallHandler } from '../src/testing/call-handler';
import { checkScript } from '../src/testing/check-script';
import { operationVerbs } from '../src/testing/dialects/served-api';
import { servedYandex } from '../src/testing/dialects/yandex';
import { play } from '../src/testing/play';
import { ClusterService, type CreateClusterRequest } from '../src/testing/resources';
import { ScriptedOperations } from '../src/testing/scripted-operations';
import { CallFailure, UnaryServer, type IncomingCall, type OutgoingReply } from '../src/testing/server';
import { startMethod } from '../src/testing/start-method';
import { HOSTILE_ENDS } from './hostile';
import { SLOTS, type Slot, type WaitPlan } from './plan';

/** The descriptor set of the cloud's resources. */
export const RESOURCES = join(__dirname, '../proto/fakecloud.binpb');

const OPERATION_VERBS = operationVerbs(servedYandex);

/** A call that the cloud received. Times are epoch milliseconds. */
export interface RecordedCall {
  verb: 'Get' | 'Cancel' | 'Start';
  slot: Slot;
  /** The name of the wait. */
  name: string;
  operationId?: string;
  /** The idempotency key of a start. */
  key?: string;
  atMs: number;
  /** When the reply was handed to the connection; undefined if the caller was gone by then. */
  answeredAtMs?: number;
  /** A summary of the reply, including faulty ones. `OK` means that it shows the operation as it is. */
  answer?: string;
  /** Whether the operation in the reply was done. */
  done?: boolean;
}

/** A fault of a call: it fails without effect, or it takes effect and its reply is lost, late or replaced. */
export type Spoil = { code: StatusCodeName; message: string } | { lost: true } | { lateMs: number } | { body: Buffer };

/** The end of an operation according to its script. */
export interface Truth {
  id: string;
  endsAtMs: number;
  /** Undefined for a success. */
  error?: { code: number; message?: string };
}

/**
 * A fake cloud built from the parts of FakeCloud, with a server for each worker. It records every reply and its caller,
 * by which a run is judged.
 */
export class RecordedCloud {
  readonly calls: RecordedCall[] = [];
  readonly addresses: string[] = [];
  /** Each one sees a call before it is answered. The first result is applied. */
  readonly spoilers = new Set<(call: RecordedCall) => Spoil | undefined>();
  /** Whether a worker's token is accepted. */
  accepts: (slot: Slot, token: string) => boolean = () => true;
  readonly #waits: ReadonlyMap<string, WaitPlan>;
  readonly #registry = loadDescriptors([readFileSync(RESOURCES)]);
  readonly #operations = new ScriptedOperations(this.#registry);
  readonly #desk = new CallHandler(servedYandex, this.#registry, this.#operations, Date.now);
  readonly #servers: UnaryServer[] = [];
  readonly #callsOf = new Map<string, RecordedCall[]>();
  /** The operation ids of each wait: more than one if a start has begun two operations. */
  readonly #ids = new Map<string, string[]>();
  readonly #names = new Map<string, string>();
  readonly #cancelledAtMs = new Map<string, number>();

  constructor(waits: readonly WaitPlan[]) {
    this.#waits = new Map(waits.map((wait) => [wait.name, wait]));
  }

  async start(): Promise<void> {
    const found = findOperationMethod(this.#registry, ClusterService.create.path, yandexApi.starts);
    if (typeof found === 'string') throw new Error(found);
    const create = startMethod(found, ({ name = '' }: CreateClusterRequest) => this.#script(name), this.#registry);
    this.#desk.methods.set(create.path, create);
    for (const slot of SLOTS) {
      const server = new UnaryServer();
      this.#servers.push(server);
      for (const path of [...OPERATION_VERBS.keys(), create.path]) {
        server.answer(path, (call) => this.#answer(slot, call));
      }
      this.addresses.push(await server.listen(0));
    }
  }

  /** Begins the operation of a wait that does not start it itself, and returns its id. */
  begin({ name, script }: WaitPlan): string {
    const checked = checkScript(script);
    if ('refuse' in checked) throw new Error(`${name}: only a method can refuse`);
    const { id } = this.#operations.begin(checked, Date.now());
    this.#begun(name, id);
    return id;
  }

  callsOf(name: string): readonly RecordedCall[] {
    return this.#callsOf.get(name) ?? [];
  }

  /** The operations that were begun for a wait, and their ends. */
  truthsOf(name: string): Truth[] {
    return (this.#ids.get(name) ?? []).flatMap((id) => {
      const operation = this.#operations.find(id);
      if (operation?.createdAt === undefined) return [];
      const { error, modifiedAt } = play(operation.script, operation.createdAt, Infinity, this.#cancelledAtMs.get(id));
      return { id, endsAtMs: modifiedAt, ...(error && { error }) };
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  #script(name: string): OperationScript {
    const wait = this.#waits.get(name);
    if (!wait) throw new Error(`No wait has the name ${name}`);
    return wait.script;
  }

  #begun(name: string, id: string): void {
    this.#names.set(id, name);
    const ids = this.#ids.get(name) ?? [];
    if (!ids.includes(id)) this.#ids.set(name, [...ids, id]);
  }

  async #answer(slot: Slot, incoming: IncomingCall): Promise<OutgoingReply> {
    const call = this.#record(slot, incoming);
    const { signal } = incoming;
    try {
      const token = incoming.header('authorization')?.replace(/^Bearer /, '') ?? '';
      if (!this.accepts(slot, token)) throw failure('UNAUTHENTICATED', 'The token is invalid');
      const spoil = first([...this.spoilers], (spoiler) => spoiler(call));
      if (spoil && 'code' in spoil) throw failure(spoil.code, spoil.message);
      const reply = this.#hostile(call, await this.#desk.answer(incoming));
      call.answer = 'OK';
      if (!spoil) return reply;
      if ('lost' in spoil) throw failure('UNAVAILABLE', 'the connection broke before the reply');
      call.answer = 'lateMs' in spoil ? `OK, ${spoil.lateMs} ms late` : `hostile, ${spoil.body.length} bytes`;
      if ('body' in spoil) return { body: spoil.body };
      await sleep(spoil.lateMs, undefined, { signal }).catch(() => undefined);
      return reply;
    } catch (err) {
      if (!(err instanceof CallFailure)) throw err;
      call.answer = `${err.code}: ${err.message.slice(0, 100)}${call.answer === 'OK' ? ', its work done' : ''}`;
      throw err;
    } finally {
      if (!signal.aborted) call.answeredAtMs = Date.now();
    }
  }

  #record(slot: Slot, incoming: IncomingCall): RecordedCall {
    const { path, body } = incoming;
    const verb = OPERATION_VERBS.get(path) ?? 'Start';
    const operationId = verb === 'Start' ? undefined : servedYandex.readId(body);
    const key = incoming.header(IDEMPOTENCY_KEY_HEADER);
    const name = operationId === undefined ? nameIn(body) : (this.#names.get(operationId) ?? '');
    const call: RecordedCall = {
      ...{ verb, slot, name, atMs: Date.now() },
      ...(operationId !== undefined && { operationId }),
      ...(key !== undefined && { key }),
    };
    this.calls.push(call);
    const calls = this.#callsOf.get(name);
    if (calls) calls.push(call);
    else this.#callsOf.set(name, [call]);
    return call;
  }

  /** Records what the reply shows. Replaces it for operations with a hostile end. */
  #hostile(call: RecordedCall, reply: OutgoingReply): OutgoingReply {
    const { id, done, error } = decodeOperation(reply.body);
    call.done = done;
    call.operationId = id;
    if (call.verb === 'Start') this.#begun(call.name, id);
    if (call.verb === 'Cancel' && !this.#cancelledAtMs.has(id)) this.#cancelledAtMs.set(id, call.atMs);
    const hostileEnd = this.#waits.get(call.name)?.hostileEnd;
    if (!done || hostileEnd === undefined || error?.code === 1) return reply;
    return { ...reply, body: HOSTILE_ENDS[hostileEnd].body(id, call.name) };
  }
}

/** Reads the cluster's name from the request that creates it. */
function nameIn(body: Buffer): string {
  return /chaos-\d+-\d+/.exec(body.toString('latin1'))?.[0] ?? '';
}

function failure(code: StatusCodeName, message: string): CallFailure {
  return new CallFailure(statusCode(code), message);
}

function first<T, R>(from: T[], find: (one: T) => R | undefined): R | undefined {
  for (const one of from) {
    const found = find(one);
    if (found !== undefined) return found;
  }
  return undefined;
}
