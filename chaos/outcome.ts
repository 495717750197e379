import { HOSTILE_ENDS } from './hostile';
import type { Close } from './history';
import type { Truth } from './cloud';
import type { WaitRecord } from './record';

/** Compares the end of a wait with the end of its operation. Returns the problem, or undefined if there is none. */
export function outcomeProblem({ wait, run, child, truths, calls }: WaitRecord): string | undefined {
  const close = run?.close;
  // Other invariants check that it ends, and that it begins one operation.
  if (!run || !close || truths.length > 1) return undefined;
  const [truth] = truths;
  const told = JSON.stringify(close);
  if (close.status === 'other') return `Its workflow was ended by the server: ${told}`;
  if (wait.kind === 'handleCancel' && close.status === 'completed') return handleCancelProblem(close, truth);
  const isCancelled = run.cancelRequestedAtMs !== undefined || wait.kind === 'handleCancel';
  if (close.status === 'canceled') {
    if (!isCancelled) return 'It ended as cancelled, though nobody had cancelled it';
    if (wait.options.cancellationType !== 'WAIT_CANCELLATION_COMPLETED') return undefined;
    const waiting = wait.kind === 'child' ? child : run;
    if (!truth || !waiting?.hadBegunWhenCancelled) return undefined;
    if (truth.error?.code === 1 && truth.endsAtMs <= close.atMs) return undefined;
    return `It ended as cancelled, but its operation ${endText(truth)}`;
  }
  if (isCancelled && close.failure?.type === 'OperationStillRunning') {
    const seen = calls.find(({ verb, done, answer }) => verb === 'Get' && done && answer === 'OK');
    // An operation may have ended too late to be confirmed in time.
    return seen && truth && truth.endsAtMs < close.atMs - UNCONFIRMED_MS
      ? `It says that the operation still runs, but that ${endText(truth)}`
      : undefined;
  }
  if (!truth) return `It ended by ${told}, but no operation was begun`;
  const expected = expectedOf(wait, truth);
  if (!matches(expected, close, wait.name))
    return `It ended by ${told}, but its operation ${endText(truth)}${expected.told}`;
  if (close.atMs < truth.endsAtMs) return `It ended before its operation, which ${endText(truth)}`;
  return undefined;
}

/** A worker may be killed before it reports the end, and the next one may be too late, for this long. */
const UNCONFIRMED_MS = 45_000;

/** How a wait that was not cancelled must end. */
interface Expected {
  ends: 'succeeded' | 'failed' | 'unreadable';
  code?: number;
  tells?: string;
  told: string;
}

function expectedOf({ hostileEnd }: WaitRecord['wait'], { error }: Truth): Expected {
  if (hostileEnd !== undefined && error?.code !== 1) {
    const { ends, tells }: { ends: Expected['ends']; tells?: string } = HOSTILE_ENDS[hostileEnd];
    return { ends, ...(tells !== undefined && { tells }), told: `, with this last reply: ${hostileEnd}` };
  }
  return error ? { ends: 'failed', code: error.code, told: '' } : { ends: 'succeeded', told: '' };
}

function matches({ ends, code, tells }: Expected, { status, result, failure }: Close, name: string): boolean {
  if (ends === 'succeeded') return status === 'completed' && idIn(result) === name;
  if (status !== 'failed' || !failure) return false;
  // An operation without an outcome is unreadable. For an error with code OK, only the message is checked.
  if (tells !== undefined) return failure.message.includes(tells);
  if (ends === 'unreadable') return failure.type === 'OperationUnreadable';
  const type = code === 1 ? 'OperationCancelled' : 'OperationFailed';
  return failure.type === type && (code === undefined || failure.code === code);
}

function handleCancelProblem({ result, atMs }: Close, truth: Truth | undefined): string | undefined {
  const { outcome, result: awaited } = cancelledIn(result);
  const told = `handle.cancel() gave ${outcome} and whoever awaits it ${awaited}`;
  if (!truth) return `${told}, but no operation was begun`;
  // The operation was still running as far as known. The wait continued, so the operation has ended by now.
  const isOpen = outcome === 'unsupported' || outcome === 'unconfirmed';
  const [expected, awaitedResult] = truth.error
    ? truth.error.code === 1
      ? ['cancelled', 'OperationCancelled']
      : ['failed', 'OperationFailed']
    : ['completed', 'chaos-'];
  const isSame = (isOpen || outcome === expected) && awaited.startsWith(awaitedResult) && atMs >= truth.endsAtMs;
  return isSame ? undefined : `${told}, but its operation ${endText(truth)}`;
}

function cancelledIn(result: unknown): { outcome: string; result: string } {
  if (typeof result !== 'object' || result === null) return { outcome: '?', result: '?' };
  const { outcome, result: awaited } = { outcome: undefined, result: undefined, ...result };
  return { outcome: String(outcome), result: String(awaited) };
}

function idIn(result: unknown): unknown {
  return typeof result === 'object' && result !== null && 'id' in result ? result.id : undefined;
}

function endText({ error, endsAtMs }: Truth): string {
  const end = error ? `failed with code ${error.code}` : 'succeeded';
  return `${end} at ${new Date(endsAtMs).toISOString().slice(11, 23)}`;
}
