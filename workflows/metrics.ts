import { isCancellation, metricMeter } from '@temporalio/workflow';
import { operationFailure } from '../src/model/failure';
import { METRICS } from '../src/model/metrics';
import type { OperationSnapshot } from '../src/model/snapshot';
import { HistoryTooLong } from './poll';
import type { WaitState } from './state';

/** Counts a wait by its outcome when it ends, and how late that was seen. Not counted again when a history is replayed. */
export function countWait(cloud: string, state: WaitState, result: Promise<OperationSnapshot>): void {
  result.then(
    (operation) => {
      count(cloud, 'succeeded');
      if (operation.modifiedAt !== undefined) recordLateness(cloud, operation.modifiedAt);
    },
    (err: unknown) => {
      if (err instanceof HistoryTooLong) return;
      const failure = operationFailure(err);
      count(cloud, failure?.type ?? (isCancellation(err) ? 'cancelled' : 'error'));
      const { operation } = state;
      if (operation?.state === 'failed' && operation.modifiedAt !== undefined) {
        recordLateness(cloud, operation.modifiedAt);
      }
    },
  );
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
