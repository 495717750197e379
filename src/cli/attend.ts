import { setTimeout } from 'timers/promises';
import { type Client, type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';
import type { awaitOperation } from '../../workflows/definitions';
import { operationQuery, pollOperation } from '../../workflows/messages';
import { isDone, statusCode, type AnyJson, type ShownOperation } from '../model/snapshot';
import { messageOf } from '../model/thrown';
import { grpcError } from './connect';
import type { Display } from './display';
import { waitId } from './names';
import { CommandError, type Outcome, workflowOutcome } from './outcome';
import { unreadableError } from './payloads';
import { isSeen, pendingProblem, problemText } from './poll-problem';

/** A workflow that awaits an operation. */
export type Wait = WorkflowHandle<typeof awaitOperation>;

interface AttendOptions {
  /** The command that follows the same wait again. */
  comeBack: string;
  /** What Ctrl-C does: cancel the wait together with its operation, or detach and leave the wait running. */
  onInterrupt: 'cancel' | 'detach';
}

/** How long a look at the wait may take. Shorter than the poll it requests, so that a failing poll is seen pending. */
export const ANSWER_MS = 8_000;
const LOOK_EVERY_MS = 3_000;
/** Request polls for this long. Later, the wait's own polls return to the workflow, and a query reads them for free. */
const POLL_WITHIN_MS = 100_000;

/** Shows a wait until it ends or Ctrl-C detaches from it. */
export async function attend(
  client: Client,
  wait: Wait,
  display: Display,
  { comeBack, onInterrupt }: AttendOptions,
): Promise<Outcome | 'detached'> {
  const left = new AbortController();
  const interrupt = new Interrupt(wait, display, onInterrupt);
  const result = workflowOutcome(resultOf(client, wait, display, left.signal));
  // If we detach before the end, this promise is aborted.
  result.catch(() => undefined);
  let isShown = false;
  const show = (operation: ShownOperation): void => {
    isShown = true;
    display.show(operation);
  };
  const following = follow(client, wait, { ...display, show }, left.signal);
  try {
    const first = await Promise.race([result, interrupt.detached, following]);
    if (first === 'detached') {
      display.detach(`Detached: workflow ${wait.workflowId} goes on. Come back with\n  ${comeBack}`);
    } else {
      if (!isShown) await showEnd(client, wait, display);
      display.end(first);
    }
    return first;
  } finally {
    left.abort();
    interrupt.stop();
    display.stop();
  }
}

/** Awaits the result of the wait, through outages of Temporal that outlast the retries of its client. */
async function resultOf(client: Client, wait: Wait, display: Display, left: AbortSignal): Promise<AnyJson> {
  for (;;) {
    try {
      return await client.withAbortSignal(left, () => wait.result());
    } catch (err) {
      const { code, details = '' } = grpcError(err) ?? {};
      const isAway = code === statusCode('UNAVAILABLE') || code === statusCode('DEADLINE_EXCEEDED');
      if (left.aborted || !isAway) throw err;
      display.note(`Temporal does not answer, and the wait goes on (${details})`);
      await setTimeout(LOOK_EVERY_MS, undefined, { signal: left });
    }
  }
}

/** Shows the operation of a wait that ended before it was shown. Without a worker, only the operation's id is shown. */
async function showEnd(client: Client, wait: Wait, display: Display): Promise<void> {
  const asked = client.withAbortSignal(AbortSignal.timeout(LOOK_EVERY_MS), () => wait.query(operationQuery));
  const operation = await asked.catch(() => undefined);
  if (operation && isDone(operation)) display.show(operation);
}

/** Handles Ctrl-C: the first one may cancel, the next one always detaches. */
class Interrupt {
  #detach: (detached: 'detached') => void = () => undefined;
  readonly detached = new Promise<'detached'>((resolve) => (this.#detach = resolve));
  readonly #listener: () => void;

  constructor(wait: Wait, display: Display, on: 'cancel' | 'detach') {
    let cancels = on === 'cancel';
    this.#listener = () => {
      if (!cancels) return this.#detach('detached');
      cancels = false;
      display.note('cancelling; press Ctrl-C again to detach');
      wait.cancel().catch((err: unknown) => display.note(`cannot be cancelled: ${reason(err)}`));
    };
    process.on('SIGINT', this.#listener);
  }

  stop(): void {
    process.off('SIGINT', this.#listener);
  }
}

/**
 * Shows the operation repeatedly until the signal aborts. Never resolves, since the result reports the end. Rejects
 * only if the wait's answer cannot be decoded.
 */
async function follow(client: Client, wait: Wait, display: Display, left: AbortSignal): Promise<never> {
  const pollUntilMs = Date.now() + POLL_WITHIN_MS;
  for (;;) {
    try {
      const operation = await client.withAbortSignal(AbortSignal.any([left, AbortSignal.timeout(ANSWER_MS)]), () =>
        Date.now() < pollUntilMs ? wait.executeUpdate(pollOperation) : wait.query(operationQuery),
      );
      if (left.aborted) return new Promise(() => undefined);
      if (isSeen(operation)) display.show(operation);
      else display.note((await whyUnknown(client, wait)) || 'not polled yet');
    } catch (err) {
      const unreadable = err instanceof CommandError ? err : unreadableError(err);
      if (unreadable && !left.aborted) throw unreadable;
      const note = (await whyUnknown(client, wait)) ?? `no answer from a worker yet (${reason(err)})`;
      // The wait may have ended between two looks, which the result reports.
      if (!left.aborted && note !== ENDED) display.note(note);
    }
    if (left.aborted) return new Promise(() => undefined);
    await setTimeout(LOOK_EVERY_MS, undefined, { signal: left }).catch(() => undefined);
    if (left.aborted) return new Promise(() => undefined);
  }
}

const ENDED = '';

/** Why the operation cannot be polled, as far as the server knows; {@link ENDED} if the wait is not running. */
async function whyUnknown(client: Client, wait: Wait): Promise<string | undefined> {
  const description = await wait.describe().catch(() => undefined);
  if (description?.status.name !== 'RUNNING') return ENDED;
  const problem = await pendingProblem(client, description).catch(() => undefined);
  return problem && `cannot be polled: ${problemText(problem)}`;
}

export function reason(err: unknown): string {
  return messageOf((err instanceof Error && err.cause) || err);
}

/** The workflow that awaits an operation, whether it exists or not. */
export function waitOf(client: Client, cloud: string, operationId: string): Wait {
  return client.workflow.getHandle(waitId(cloud, operationId));
}

/** Handles the rejection of a call to a wait: throws a CommandError if nothing awaits the operation. */
export function unknownWait(cloud: string, operationId: string): (err: unknown) => never {
  return (err) => {
    if (!(err instanceof WorkflowNotFoundError)) throw err;
    const id = waitId(cloud, operationId);
    throw new CommandError(`Nothing awaits that operation: no workflow ${id}. "temporal-lro await" starts one.`);
  };
}
