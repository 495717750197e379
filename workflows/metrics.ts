import { METRICS } from '../src/model/names';
import { ActivityFailure } from '@temporalio/common';
import { isCancellation, metricMeter } from '@temporalio/workflow';
import { operationFailure } from '../src/model/failure';
import type { OperationSnapshot } from '../src/model/snapshot';
import { HistoryTooLong } from './polling';
import type { WaitState } from './state';

/** The label `cloud` of waits whose cloud no worker has confirmed: a caller may pass any name. */
const UNCONFIRMED = 'unconfirmed';

/** Counts a wait by outcome when it ends, and records how late its end was seen. A replay does not count again. */
export function countWait(state: WaitState, result: Promise<OperationSnapshot>): void {
  const { lastPolledAtMs } = state;
  /** The cloud as a worker that configures it reported it to this run: the run's input may contain any name. */
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
 * The cloud that refused a wait's polls. A worker that does not configure the cloud only fails with an
 * OperationConfigurationError.
 */
function answeredCloud(err: unknown): string | undefined {
  const failure = err instanceof ActivityFailure ? operationFailure(err) : undefined;
  return failure?.type === 'OperationConfigurationError' ? undefined : failure?.cloud;
}

function count(cloud: string, outcome: string): void {
  const { name, description } = METRICS.waits;
  metricMeter.createCounter(name, undefined, description).add(1, { cloud, outcome });
}

/** Compares two clocks, so the value is only for dashboards: no decision depends on it. */
function recordLateness(cloud: string, modifiedAt: string): void {
  const { name, unit, description } = METRICS.lateness;
  const ms = Date.now() - Date.parse(modifiedAt);
  if (!Number.isNaN(ms)) {
    metricMeter.createHistogram(name, 'int', unit, description).record(Math.max(0, ms), { cloud });
  }
}
