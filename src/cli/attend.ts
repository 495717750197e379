import { setTimeout } from 'timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { awaitOperation } from '../../workflows/definitions';
import { operationQuery, pollOperation } from '../../workflows/messages';
import { isDone, type AnyJson, type OperationSnapshot } from '../model/snapshot';
import { statusCode } from '../model/status-code';
import { grpcError } from './connect';
import type { Display } from './display';
import { outcomeOf, type Outcome } from './outcome';

/** A workflow that awaits an operation. */
export type Wait = WorkflowHandle<typeof awaitOperation>;

export interface AttendOptions {
  /** The command that attends the same wait again. */
  comeBack: string;
  /** What Ctrl-C does: cancel the wait, and with it the operation, or leave it alone. */
  onInterrupt: 'cancel' | 'detach';
}

/** How long a look at the wait may take; longer, and there is no worker. */
const ANSWER_MS = 10_000;
const LOOK_EVERY_MS = 3_000;
/** Later the wait's own polls come back to the workflow, and a query reads them at no cost. */
const POLL_WITHIN_MS = 100_000;

/** Shows a wait until it ends, or until Ctrl-C leaves it alone. */
export async function attend(
  client: Client,
  wait: Wait,
  display: Display,
  { comeBack, onInterrupt }: AttendOptions,
): Promise<Outcome | 'detached'> {
  const left = new AbortController();
  const interrupt = new Interrupt(wait, display, onInterrupt);
  const result = outcomeOf(resultOf(client, wait, display, left.signal));
  // Where we leave before the end, it is aborted.
  result.catch(() => undefined);
  let isShown = false;
  const show = (operation: OperationSnapshot): void => {
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

/** What the wait gives in the end, though Temporal be away in between for longer than its client repeats a call. */
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

/** Of a wait that ended before it could be shown: what it was about. Without a worker the operation's id has to do. */
async function showEnd(client: Client, wait: Wait, display: Display): Promise<void> {
  const asked = client.withAbortSignal(AbortSignal.timeout(LOOK_EVERY_MS), () => wait.query(operationQuery));
  const operation = await asked.catch(() => undefined);
  if (operation && isDone(operation)) display.show(operation);
}

/** Ctrl-C. The first one may cancel; the next one always detaches. */
class Interrupt {
  #detach: (detached: 'detached') => void = () => undefined;
  readonly detached = new Promise<'detached'>((resolve) => (this.#detach = resolve));
  readonly #listener: () => void;

  constructor(wait: Wait, display: Display, on: 'cancel' | 'detach') {
    let cancels = on === 'cancel';
    this.#listener = () => {
      if (!cancels) return this.#detach('detached');
      cancels = false;
      display.note('cancelling; Ctrl-C again leaves it alone');
      wait.cancel().catch((err: unknown) => display.note(`cannot be cancelled: ${reason(err)}`));
    };
    process.on('SIGINT', this.#listener);
  }

  stop(): void {
    process.off('SIGINT', this.#listener);
  }
}

/** Shows the operation again and again until the signal aborts. Never resolves and never rejects: the result tells the end. */
async function follow(client: Client, wait: Wait, display: Display, left: AbortSignal): Promise<never> {
  const pollUntilMs = Date.now() + POLL_WITHIN_MS;
  for (;;) {
    try {
      const operation = await client.withAbortSignal(AbortSignal.any([left, AbortSignal.timeout(ANSWER_MS)]), () =>
        Date.now() < pollUntilMs ? wait.executeUpdate(pollOperation) : wait.query(operationQuery),
      );
      if (!left.aborted) display.show(operation);
    } catch (err) {
      // The wait may have ended between two looks; that the result tells.
      const status = await wait.describe().then(
        ({ status: { name } }) => name,
        () => 'unknown',
      );
      if (!left.aborted && status === 'RUNNING') display.note(`no answer from a worker yet (${reason(err)})`);
    }
    if (left.aborted) return new Promise(() => undefined);
    await setTimeout(LOOK_EVERY_MS, undefined, { signal: left }).catch(() => undefined);
    if (left.aborted) return new Promise(() => undefined);
  }
}

function reason(err: unknown): string {
  const cause = err instanceof Error && err.cause instanceof Error ? err.cause : err;
  return cause instanceof Error ? cause.message : String(cause);
}
