import { METRICS } from '../src/model/names';
import { ActivityFailure } from '@temporalio/common';
import { isCancellation, metricMeter } from '@temporalio/workflow';
import { operationFailure } from '../src/model/failure';
import type { OperationSnapshot } from '../src/model/snapshot';
import { HistoryTooLong } from './poll';
import type { WaitState } from './state';

/** The label `cloud` of waits for which no worker has confirmed the name of the cloud: anybody can type one. */
const UNCONFIRMED = 'unconfirmed';

/**
 * Counts a wait by its outcome when it ends, and how late that was seen. Not counted again when a history is replayed.
 */
export function countWait(state: WaitState, result: Promise<OperationSnapshot>): void {
  const { lastPolledAtMs } = state;
  /** As a worker has told it that configures the cloud, to this run: what the run was given may hold any name. */
  const seenCloud = (): string | undefined =>
    state.lastPolledAtMs === lastPolledAtMs ? undefined : state.operation?.cloud;
  result.then(
    (operation) => {
      const cloud = seenCloud() ?? UNCONFIRMED;
      count(cloud, 'succeeded');
      if (operation.modifiedAt !== undefined) recordLateness(cloud, operation.modifiedAt);
    },
    (err: unknown) => {
      if (err instanceof HistoryTooLong) return;
      const failure = operationFailure(err);
      const cloud = seenCloud() ?? answeredCloud(err) ?? UNCONFIRMED;
      count(cloud, failure?.type ?? (isCancellation(err) ? 'cancelled' : 'error'));
      const { operation } = state;
      if (operation?.state === 'failed' && operation.modifiedAt !== undefined) {
        recordLateness(cloud, operation.modifiedAt);
      }
    },
  );
}

/**
 * The cloud that refused the polls of a wait: only what a worker asks of a cloud that it configures fails otherwise.
 */
function answeredCloud(err: unknown): string | undefined {
  const failure = err instanceof ActivityFailure ? operationFailure(err) : undefined;
  return failure?.type === 'OperationConfigurationError' ? undefined : failure?.cloud;
}

function count(cloud: string, outcome: string): void {
  const { name, description } = METRICS.waits;
  metricMeter.createCounter(name, undefined, description).add(1, { cloud, outcome });
}

/** Two clocks are compared here, for people to look at; nothing is decided by it. */
function recordLateness(cloud: string, modifiedAt: string): void {
  const { name, unit, description } = METRICS.lateness;
  const ms = Date.now() - Date.parse(modifiedAt);
  if (!Number.isNaN(ms)) {
    metricMeter.createHistogram(name, 'int', unit, description).record(Math.max(0, ms), { cloud });
  }
}
