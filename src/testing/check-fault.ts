import { onlyKeys, OptionError, plainObject } from '../model/options';
import { checkCallError, delayMs, text, wholeNumber, type CheckedError } from './check-fields';

/** A FaultEffect with durations in milliseconds; itself a FaultEffect. */
export type CheckedEffect =
  (CheckedError & { retryAfter?: number }) | { body: string } | { hang: number } | { lostReply: true };

/** A Fault with durations in milliseconds; itself a Fault. */
export type CheckedFault = { on?: 'Get' | 'Cancel'; calls: number } & CheckedEffect;

export function checkFault(field: string, value: unknown): CheckedFault {
  const { on, calls, ...effect } = plainObject(field, value);
  if (on !== undefined && on !== 'Get' && on !== 'Cancel') {
    throw new OptionError(`${field}.on`, on, 'give "Get" or "Cancel", or leave it out for both');
  }
  return {
    ...(on && { on }),
    calls: wholeNumber(`${field}.calls`, calls, 1),
    ...checkEffect(field, effect),
  };
}

export function checkEffect(field: string, value: unknown): CheckedEffect {
  const given = plainObject(field, value);
  if (given.code !== undefined) {
    const { retryAfter, ...error } = given;
    return {
      ...checkCallError(field, error),
      ...(retryAfter !== undefined && { retryAfter: delayMs(`${field}.retryAfter`, retryAfter) }),
    };
  }
  onlyKeys(field, given, ['body', 'hang', 'lostReply']);
  const { body, hang, lostReply } = given;
  if (Object.keys(given).length === 1) {
    if (body !== undefined) return { body: text(`${field}.body`, body) };
    if (hang !== undefined) return { hang: delayMs(`${field}.hang`, hang) };
    if (lostReply === true) return { lostReply };
  }
  throw new OptionError(field, JSON.stringify(value), 'give exactly one of code, body, hang and lostReply: true');
}
