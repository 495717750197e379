import type { Info } from '@temporalio/activity';
import type { CallDoubt } from '../src/model/contract';

/** Whether an earlier attempt may have made a change: it says so, or it was lost and says nothing. */
export function isInDoubt({ attempt, heartbeatDetails }: Info): boolean {
  if (attempt === 1) return false;
  const left: unknown = heartbeatDetails;
  if (typeof left !== 'object' || left === null) return true;
  const { attempt: of, outcomeUnknown }: Partial<Record<keyof CallDoubt, unknown>> = left;
  return of !== attempt - 1 || outcomeUnknown !== false;
}
