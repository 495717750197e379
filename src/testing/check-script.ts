import { durationMs, flag, list, onlyKeys, OptionError, plainObject, text, wholeNumber } from '../model/check';
import { codeName, statusCode, type AnyJson } from '../model/snapshot';

/**
 * An OperationScript with durations in whole milliseconds and every type named. It is itself an OperationScript, so its
 * fields have no suffix `Ms`: a FakeCloud's file keeps it, and checks what it reads like a user's script.
 */
export type CheckedOperation = {
  after?: number;
  description?: string;
  metadata?: AnyJson;
  stages?: { at: number; metadata: AnyJson }[];
  rollback?: number;
  pollInterval?: number;
  afterwards?: { after: number; response: AnyJson }[];
  withoutId?: true;
  onCancel?: CheckedCancel;
  faults?: CheckedFault[];
} & ({ response: AnyJson } | { error: CheckedError });

export type CheckedScript = CheckedOperation | { refuse: CheckedError };

/** The types of Anys without `'@type'`. */
export interface AnyTypes {
  response?: string;
  metadata?: string;
}

const KEYS = [
  'after',
  'description',
  'metadata',
  'stages',
  'rollback',
  'pollInterval',
  'afterwards',
  'withoutId',
  'onCancel',
  'faults',
  'response',
  'error',
];

/** Checks a Script. Throws an OptionError that names the first invalid field. */
export function checkScript(value: unknown, types: AnyTypes = {}): CheckedScript {
  const given = plainObject('script', value);
  if (given.refuse === undefined) return checkOperation(given, types);
  onlyKeys('script', given, ['refuse']);
  return { refuse: checkCallError('script.refuse', given.refuse) };
}

function checkOperation(given: Record<string, unknown>, types: AnyTypes): CheckedOperation {
  onlyKeys('script', given, KEYS);
  const after = given.after === undefined ? 0 : delayMs('script.after', given.after);
  const within = (field: string, moment: unknown): number => {
    const ms = delayMs(field, moment);
    if (ms > after) throw new OptionError(field, moment, `give at most \`after\`, which is ${after} ms`);
    return ms;
  };
  const { description, metadata, stages, rollback, pollInterval, afterwards, onCancel, faults } = given;
  return {
    ...(after > 0 && { after }),
    ...(description !== undefined && { description: text('script.description', description) }),
    ...(metadata !== undefined && { metadata: checkAny('script.metadata', metadata, types.metadata) }),
    ...(stages !== undefined && {
      stages: list('script.stages', stages).map((stage, i) => {
        const { at, metadata: changed, ...rest } = plainObject(`script.stages[${i}]`, stage);
        onlyKeys(`script.stages[${i}]`, rest, ['at', 'metadata']);
        return {
          at: within(`script.stages[${i}].at`, at),
          metadata: checkAny(`script.stages[${i}].metadata`, changed, types.metadata),
        };
      }),
    }),
    ...(rollback !== undefined && { rollback: within('script.rollback', rollback) }),
    ...(pollInterval !== undefined && { pollInterval: wholeNumber('script.pollInterval', pollInterval, 0) }),
    ...(afterwards !== undefined && {
      afterwards: list('script.afterwards', afterwards).map((change, i) => {
        const { after: later, response, ...rest } = plainObject(`script.afterwards[${i}]`, change);
        onlyKeys(`script.afterwards[${i}]`, rest, ['after', 'response']);
        return {
          after: delayMs(`script.afterwards[${i}].after`, later),
          response: checkAny(`script.afterwards[${i}].response`, response, types.response),
        };
      }),
    }),
    ...(given.withoutId !== undefined && flag('script.withoutId', given.withoutId) && { withoutId: true }),
    ...(onCancel !== undefined && { onCancel: checkCancel('script.onCancel', onCancel) }),
    ...(faults !== undefined && {
      faults: list('script.faults', faults).map((fault, i) => checkFault(`script.faults[${i}]`, fault)),
    }),
    ...checkEnd(given, types),
  };
}

function checkEnd(given: Record<string, unknown>, types: AnyTypes): { response: AnyJson } | { error: CheckedError } {
  const { response, error, rollback, afterwards } = given;
  if ((response === undefined) === (error === undefined)) {
    throw new OptionError('script', JSON.stringify(given), 'give exactly one of response and error, or refuse');
  }
  if (error !== undefined) {
    if (afterwards === undefined) return { error: checkError('script.error', error) };
    throw new OptionError('script.afterwards', afterwards, 'an operation that fails has created no resource');
  }
  if (rollback !== undefined) throw new OptionError('script.rollback', rollback, 'only an error is rolled back');
  return { response: checkAny('script.response', response, types.response) };
}

/** A CancelBehaviour with durations in milliseconds; itself a CancelBehaviour. */
export type CheckedCancel =
  | 'cancels'
  | 'completes'
  | 'ignores'
  | { completesAfter: number }
  | { cancelsAfter: number; rollback?: number }
  | { refuses: CheckedError }
  | { overwrittenBy: CheckedError; after: number };

export function checkCancel(field: string, value: unknown): CheckedCancel {
  if (value === 'cancels' || value === 'completes' || value === 'ignores') return value;
  if (typeof value === 'string') {
    throw new OptionError(field, value, 'give "cancels", "completes", "ignores" or an object');
  }
  const given = plainObject(field, value);
  if (given.completesAfter !== undefined) {
    onlyKeys(field, given, ['completesAfter']);
    return { completesAfter: delayMs(`${field}.completesAfter`, given.completesAfter) };
  }
  if (given.cancelsAfter !== undefined) {
    onlyKeys(field, given, ['cancelsAfter', 'rollback']);
    const cancelsAfter = delayMs(`${field}.cancelsAfter`, given.cancelsAfter);
    if (given.rollback === undefined) return { cancelsAfter };
    const rollback = delayMs(`${field}.rollback`, given.rollback);
    if (rollback <= cancelsAfter) return { cancelsAfter, rollback };
    throw new OptionError(`${field}.rollback`, given.rollback, `give at most cancelsAfter (${cancelsAfter} ms)`);
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

/** A ScriptedError whose code is a number of google.rpc.Code. */
export interface CheckedError {
  code: number;
  message?: string;
  details?: AnyJson[];
}

/** The prefix of type URLs, added where only a type's name is given. */
export const TYPE_URL_PREFIX = 'type.googleapis.com/';

/** Checks the JSON of an Any. Its type defaults to `defaultType`; the default prefix is removed. */
export function checkAny(field: string, value: unknown, defaultType?: string): AnyJson {
  const { '@type': type = defaultType, ...fields } = plainObject(field, value);
  if (typeof type !== 'string' || type === '') {
    throw new OptionError(`${field}['@type']`, type, 'give the name of its type, such as "google.protobuf.Empty"');
  }
  return { '@type': type.startsWith(TYPE_URL_PREFIX) ? type.slice(TYPE_URL_PREFIX.length) : type, ...fields };
}

export function checkError(field: string, value: unknown): CheckedError {
  const { codeName: name, ...given } = plainObject(field, value);
  onlyKeys(field, given, ['code', 'message', 'details']);
  const code = wholeNumber(`${field}.code`, given.code, 0);
  if (name !== undefined && name !== codeName(code)) {
    throw new OptionError(`${field}.codeName`, name, `leave it out: the name of code ${code} is ${codeName(code)}`);
  }
  return {
    code,
    ...(given.message !== undefined && { message: text(`${field}.message`, given.message) }),
    ...(given.details !== undefined && {
      details: list(`${field}.details`, given.details).map((detail, i) => checkAny(`${field}.details[${i}]`, detail)),
    }),
  };
}

/** Checks the error of a call. Unlike that of an operation, its code must not be OK. */
export function checkCallError(field: string, value: unknown): CheckedError {
  const error = checkError(field, value);
  wholeNumber(`${field}.code`, error.code, statusCode('OK') + 1);
  return error;
}

/** Converts a Duration, which may be 0, to whole milliseconds. */
export function delayMs(field: string, value: unknown): number {
  return /^0(\.0*)?\s*[a-z]*$/i.test(String(value)) ? 0 : Math.round(durationMs(field, value));
}
