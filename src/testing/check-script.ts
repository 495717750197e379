import { onlyKeys, OptionError, plainObject } from '../model/options';
import type { AnyJson } from '../model/snapshot';
import { checkFault, type CheckedFault } from './check-fault';
import {
  checkAny,
  checkError,
  checkCallError,
  delayMs,
  list,
  text,
  wholeNumber,
  type CheckedError,
} from './check-fields';
import { checkCancel, type CheckedCancel } from './check-cancel';

/**
 * An OperationScript with durations in whole milliseconds and every type named. It is itself an OperationScript, hence
 * no `…Ms`: operation ids carry it, and what they carry is checked as what users write is.
 */
export type CheckedOperation = {
  after?: number;
  description?: string;
  metadata?: AnyJson;
  stages?: { at: number; metadata: AnyJson }[];
  rollback?: number;
  pollInterval?: number;
  onCancel?: CheckedCancel;
  faults?: CheckedFault[];
} & ({ response: AnyJson } | { error: CheckedError });

export type CheckedScript = CheckedOperation | { refuse: CheckedError };

/** The types of the Anys that name none themselves. */
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
  'onCancel',
  'faults',
  'response',
  'error',
];

/** Checks a Script; throws an OptionError that names the first field which is wrong. */
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
  const { description, metadata, stages, rollback, pollInterval, onCancel, faults } = given;
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
    ...(onCancel !== undefined && { onCancel: checkCancel('script.onCancel', onCancel) }),
    ...(faults !== undefined && {
      faults: list('script.faults', faults).map((fault, i) => checkFault(`script.faults[${i}]`, fault)),
    }),
    ...checkEnd(given, types),
  };
}

function checkEnd(given: Record<string, unknown>, types: AnyTypes): { response: AnyJson } | { error: CheckedError } {
  const { response, error, rollback } = given;
  if ((response === undefined) === (error === undefined)) {
    throw new OptionError('script', JSON.stringify(given), 'give exactly one of response and error, or refuse');
  }
  if (error !== undefined) return { error: checkError('script.error', error) };
  if (rollback !== undefined) throw new OptionError('script.rollback', rollback, 'only an error is rolled back');
  return { response: checkAny('script.response', response, types.response) };
}
