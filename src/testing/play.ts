import { statusCode, type AnyJson } from '../model/snapshot';
import type { CheckedCancel, CheckedError, CheckedOperation } from './check-script';

/** A scripted operation at one moment. */
export interface Scene {
  done: boolean;
  /** When it last changed. */
  modifiedAt: number;
  metadata?: AnyJson;
  error?: CheckedError;
  response?: AnyJson;
}

/** A change of the operation at `at`. */
interface Turn {
  at: number;
  change: Omit<Partial<Scene>, 'modifiedAt'>;
}

const CANCELLED: CheckedError = { code: statusCode('CANCELLED'), message: 'The operation was cancelled.' };

/** Returns the operation at `now`. All times are epoch milliseconds; `cancelledAt` is the time of the first Cancel. */
export function play(script: CheckedOperation, createdAt: number, now: number, cancelledAt?: number): Scene {
  const turns = scripted(script, createdAt);
  let scene: Scene = { done: false, modifiedAt: createdAt };
  for (const { at, change } of cancelledAt === undefined ? turns : cancelled(turns, script, cancelledAt)) {
    // A clock that went back must not undo the start.
    if (at <= Math.max(now, createdAt)) scene = { ...scene, ...change, modifiedAt: at };
  }
  return scene;
}

function scripted(script: CheckedOperation, createdAt: number): Turn[] {
  const { after = 0, metadata, stages = [], rollback = 0 } = script;
  const turns: Turn[] = stages.map((stage) => ({ at: createdAt + stage.at, change: { metadata: stage.metadata } }));
  turns.sort((a, b) => a.at - b.at);
  if (metadata) turns.unshift({ at: createdAt, change: { metadata } });
  const end = createdAt + after;
  if ('response' in script) return [...turns, { at: end, change: { done: true, response: script.response } }];
  const { error } = script;
  const failed = rollback > 0 ? [{ at: end - rollback, change: { error } }] : [];
  return [...turns, ...failed, { at: end, change: { done: true, error } }].sort((a, b) => a.at - b.at);
}

function cancelled(turns: Turn[], script: CheckedOperation, cancelledAt: number): Turn[] {
  const { onCancel = 'cancels' } = script;
  if (onCancel === 'ignores' || (typeof onCancel === 'object' && 'refuses' in onCancel)) return turns;
  const completesAfter = completionOf(onCancel);
  if (completesAfter !== undefined) {
    // An operation that has failed keeps its end.
    if (turns.some((turn) => turn.at <= cancelledAt && turn.change.error)) return turns;
    return turns.map((turn) => ({ ...turn, at: Math.min(turn.at, cancelledAt + completesAfter) }));
  }
  const { cancelsAfter = 0, rollback = 0 } = typeof onCancel === 'object' && 'cancelsAfter' in onCancel ? onCancel : {};
  const at = cancelledAt + cancelsAfter;
  const failsAt = at - rollback;
  if (turns.some((turn) => turn.at <= failsAt && (turn.change.error || turn.change.response))) return turns;
  const end: Turn[] = [
    { at: failsAt, change: { error: CANCELLED } },
    { at, change: { done: true, error: CANCELLED } },
  ];
  if (typeof onCancel === 'object' && 'overwrittenBy' in onCancel) {
    end.push({ at: at + onCancel.after, change: { error: onCancel.overwrittenBy } });
  }
  return [...turns.filter((turn) => turn.at <= failsAt), ...end];
}

function completionOf(onCancel: CheckedCancel): number | undefined {
  if (onCancel === 'completes') return 0;
  return typeof onCancel === 'object' && 'completesAfter' in onCancel ? onCancel.completesAfter : undefined;
}
