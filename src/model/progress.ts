import { fieldsOf } from './check';
import type { AnyJson, OperationSnapshot } from './snapshot';

/** How far an operation has got. A field is set only if the cloud reports it. */
export interface OperationProgress {
  /** 0 to 100. */
  percent?: number;
  /** What the operation is doing, in at most 80 characters. */
  step?: string;
  /** How many of `total` (steps, rows, batches) are done. */
  done?: number;
  total?: number;
}

/** Reads the progress from metadata of one type; returns undefined if the metadata holds none. */
export type ProgressReader = (metadata: AnyJson) => OperationProgress | undefined;

const MAXIMUM_STEP_LENGTH = 80;
const MAXIMUM_COUNT = Number.MAX_SAFE_INTEGER;

/** The fields of metadata that hold counts. */
const COUNTS = [
  ['currentStep', 'totalSteps'],
  ['processedRows', 'totalRows'],
  ['completedBatches', 'totalBatches'],
] as const;

/** The fields of metadata that describe the current step, the most informative first. */
const STEPS = ['step', 'message', 'statusMessage', 'statusDetail', 'operationLog', 'taskStatus', 'status'] as const;

/**
 * How far an operation has got; undefined if that is unknown or the operation is done. Uses the worker's progress
 * reader for this type of metadata if there is one, else the fields that the metadata of Yandex Cloud and Google use,
 * whatever the type.
 */
export function operationProgress(operation: OperationSnapshot): OperationProgress | undefined {
  if (operation.state === 'succeeded' || operation.state === 'failed') return undefined;
  return operation.progress ?? (operation.metadata && knownProgress(operation.metadata));
}

/** Reads the fields that metadata of Yandex Cloud and Google use: percentages, a nested `progress`, counts and steps. */
function knownProgress(metadata: AnyJson): OperationProgress | undefined {
  const { progress, progressPercentage, progressPercent } = metadata;
  const inner = fieldsOf(progress);
  const [done, total] = COUNTS.find(([, all]) => (within(metadata[all], MAXIMUM_COUNT) ?? 0) > 0) ?? [];
  const step = [inner.message, ...STEPS.map((name) => metadata[name]), verbAndTarget(metadata)].find(isTelling);
  return boundedProgress({
    percent:
      progressPercentage ??
      progressPercent ??
      inner.progressPercent ??
      inner.progress ??
      (typeof progress === 'number' ? progress : undefined),
    step,
    ...(done && total && { done: metadata[done], total: metadata[total] }),
  });
}

/** What an operation of Google does to which resource: `create instances/cache`. Its metadata has no other text. */
function verbAndTarget({ verb, target }: AnyJson): string | undefined {
  if (!isTelling(verb)) return undefined;
  return isTelling(target) ? `${verb} ${target.split('/').slice(-2).join('/')}` : verb;
}

function isTelling(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.endsWith('UNSPECIFIED');
}

/** Bounds what a reader returned and drops invalid fields; undefined if nothing is left. */
export function boundedProgress(given: unknown): OperationProgress | undefined {
  const { percent, step, done, total } = fieldsOf(given);
  const all = within(total, MAXIMUM_COUNT);
  const some = within(done, all ?? MAXIMUM_COUNT);
  const share = within(percent, 100) ?? (all !== undefined && some !== undefined ? (100 * some) / all : undefined);
  const bounded: OperationProgress = {
    ...(share !== undefined && { percent: Math.floor(share * 10) / 10 }),
    ...(isTelling(step) && { step: [...step.replace(/\s+/g, ' ')].slice(0, MAXIMUM_STEP_LENGTH).join('') }),
    ...(some !== undefined && all !== undefined && { done: some, total: all }),
  };
  return Object.keys(bounded).length > 0 ? bounded : undefined;
}

/**
 * The number, clamped to 0…`maximum`; undefined if the value is none. Accepts strings, since JSON has int64s as
 * strings.
 */
function within(value: unknown, maximum: number): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof number !== 'number' || Number.isNaN(number)) return undefined;
  return Math.min(Math.max(0, number), maximum);
}

/** `40 % starting the control plane (2 of 5)`; empty if nothing is known. */
export function progressText(progress: OperationProgress | undefined): string {
  if (!progress) return '';
  const { percent, step, done, total } = progress;
  const counts = done !== undefined && total !== undefined ? `(${done} of ${total})` : undefined;
  const share = percent === undefined ? undefined : `${Math.floor(percent)} %`;
  return [share, step, counts].filter((part) => part !== undefined).join(' ');
}
