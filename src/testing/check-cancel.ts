import { onlyKeys, OptionError, plainObject } from '../model/options';
import { checkCallError, checkError, delayMs, type CheckedError } from './check-fields';

/** A CancelBehaviour with durations in milliseconds; itself a CancelBehaviour. */
export type CheckedCancel =
  | 'cancels'
  | 'completes'
  | 'ignores'
  | { cancelsAfter: number }
  | { refuses: CheckedError }
  | { overwrittenBy: CheckedError; after: number };

export function checkCancel(field: string, value: unknown): CheckedCancel {
  if (value === 'cancels' || value === 'completes' || value === 'ignores') return value;
  if (typeof value === 'string') {
    throw new OptionError(field, value, 'give "cancels", "completes", "ignores" or an object');
  }
  const given = plainObject(field, value);
  if (given.cancelsAfter !== undefined) {
    onlyKeys(field, given, ['cancelsAfter']);
    return { cancelsAfter: delayMs(`${field}.cancelsAfter`, given.cancelsAfter) };
  }
  if (given.refuses !== undefined) {
    onlyKeys(field, given, ['refuses']);
    return { refuses: checkCallError(`${field}.refuses`, given.refuses) };
  }
  onlyKeys(field, given, ['overwrittenBy', 'after']);
  return {
    overwrittenBy: checkError(`${field}.overwrittenBy`, given.overwrittenBy),
    after: delayMs(`${field}.after`, given.after),
  };
}
