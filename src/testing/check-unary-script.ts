import { onlyKeys, OptionError, plainObject } from '../model/check';
import type { JsonObject } from '../model/snapshot';
import { checkCallError, delayMs, type CheckedError } from './check-script';

/** A stage of a UnaryScript. It begins `after` milliseconds. */
export type CheckedStage = { after: number } & ({ response: JsonObject } | { error: CheckedError });

/** Checks a UnaryScript, and returns its stages, earliest first. Throws an OptionError that names the first fault. */
export function checkUnaryScript(value: unknown): [CheckedStage, ...CheckedStage[]] {
  const [first, ...others] = Array.isArray(value)
    ? Array.from<unknown>(value).map((stage, i) => checkStage(`reply[${i}]`, stage))
    : [checkStage('reply', value, ['response', 'error'])];
  if (!first) throw new OptionError('reply', '[]', 'give at least one stage');
  [first, ...others].forEach(({ after }, i, { [i - 1]: former }) => {
    if (!former && after > 0) throw new OptionError('reply[0].after', after, 'the first stage begins at once');
    if (former && after < former.after) {
      throw new OptionError(`reply[${i}].after`, after, `the stage before begins after ${former.after} ms: sort them`);
    }
  });
  return [first, ...others];
}

function checkStage(field: string, value: unknown, keys = ['after', 'response', 'error']): CheckedStage {
  const given = plainObject(field, value);
  onlyKeys(field, given, keys);
  const { response, error } = given;
  const after = given.after === undefined ? 0 : delayMs(`${field}.after`, given.after);
  if ((response === undefined) === (error === undefined)) {
    throw new OptionError(field, JSON.stringify(given), 'give exactly one of response and error');
  }
  if (error !== undefined) return { after, error: checkCallError(`${field}.error`, error) };
  return { after, response: plainObject(`${field}.response`, response) };
}
