import { isStatusCodeName, type StatusCodeName } from '../src/model/snapshot';
import { METRICS } from '../src/model/names';
import { Context } from '@temporalio/activity';
import type { Logger, MetricCounter, MetricHistogram } from '@temporalio/common';
import type { CallObserver } from '../src/cloud/caller';
import type { Decision, PollOutcome } from '../src/cloud/decide';
import { OperationServiceError } from '../src/apis/error';
import { boundText } from '../src/model/bounds';
import { pollVerdict } from '../src/model/error-table';
import type { PollResult, Subject } from './subject';
import { messageOf } from '../src/model/thrown';

/** gRPC clients map codes that they do not know to UNKNOWN: a cloud may send any number. */
const UNKNOWN = 'UNKNOWN' satisfies StatusCodeName;

/** Records the calls to a cloud with the meter of the activity that makes them. */
export function callMetrics(cloud: string): CallObserver {
  return {
    called(kind, name, latencyMs) {
      const code = isStatusCodeName(name) ? name : UNKNOWN;
      switch (kind) {
        case 'poll':
          count(METRICS.polls, { cloud, code });
          return record(METRICS.pollLatency, latencyMs, { cloud });
        case 'cancel':
          return count(METRICS.cancels, { cloud, code });
        case 'read':
          return;
        case 'start':
          return count(METRICS.starts, { cloud, code });
        case 'call':
          return count(METRICS.calls, { cloud, code });
      }
    },
    tokenFetched: (succeeded) => count(METRICS.tokenExchanges, { cloud, result: succeeded ? 'ok' : 'error' }),
  };
}

/** Counts a start that must wait for a conflicting operation. */
export function countConflict(cloud: string): void {
  count(METRICS.startConflicts, { cloud });
}

/** Counts a report of a watched operation that Temporal did not accept. */
export function countReportFailure(cloud: string, activity: Context): void {
  counter(activity, METRICS.reportFailures).add(1, { cloud });
}

/** Counts a watched activity until the returned function is called. Does nothing if the SDK lacks up-down counters. */
export function countWatched(cloud: string, { metricMeter }: Context): () => void {
  const { name, description } = METRICS.watchedOperations;
  const watched = metricMeter.createUpDownCounter?.(name, undefined, description);
  watched?.add(1, { cloud });
  return () => watched?.add(-1, { cloud });
}

type Tags = Record<string, string>;
type Named = { name: string; unit?: string; description: string };

function count(metric: Named, tags: Tags): void {
  const context = activity();
  if (context) counter(context, metric).add(1, tags);
}

function record(metric: Named, value: number, tags: Tags): void {
  const context = activity();
  if (context) histogram(context, metric).record(Math.round(value), tags);
}

/** The instruments of each activity. A watch uses the same ones at every poll, and to create one costs more than to use it. */
const counters = new WeakMap<Context, Map<string, MetricCounter>>();
const histograms = new WeakMap<Context, Map<string, MetricHistogram>>();

function counter(context: Context, { name, description }: Named): MetricCounter {
  return instrument(counters, context, name, ({ metricMeter }) =>
    metricMeter.createCounter(name, undefined, description),
  );
}

function histogram(context: Context, { name, unit, description }: Named): MetricHistogram {
  return instrument(histograms, context, name, ({ metricMeter }) =>
    metricMeter.createHistogram(name, 'int', unit, description),
  );
}

function instrument<T>(
  all: WeakMap<Context, Map<string, T>>,
  context: Context,
  name: string,
  create: (context: Context) => T,
): T {
  let own = all.get(context);
  if (!own) all.set(context, (own = new Map<string, T>()));
  let found = own.get(name);
  if (found === undefined) own.set(name, (found = create(context)));
  return found;
}

/** Undefined outside activities, where the SDK has no meter. Calls keep the context of the activity that began them. */
function activity(): Context | undefined {
  try {
    return Context.current();
  } catch {
    return undefined;
  }
}

/** Logs a poll: a problem that only the worker's owner can fix at WARN, anything else at DEBUG. */
export function logPoll<P, R extends PollResult>(
  log: Logger,
  subject: Pick<Subject<P, R>, 'fields' | 'shown'>,
  outcome: PollOutcome<P>,
  decision: Decision<R>,
): void {
  const delayMs = nextPollInMs(decision);
  const next = delayMs === undefined ? {} : { nextPollInMs: delayMs };
  if ('polled' in outcome) {
    log.debug('Operation polled', { ...subject.fields, ...subject.shown(outcome.polled), ...next });
    return;
  }
  const { code, reason } = problemOf(outcome);
  const fields = { ...subject.fields, code, reason, ...next };
  if (delayMs !== undefined && ('unserved' in outcome || pollVerdict(code) === 'refused')) {
    log.warn('Operation cannot be polled until the configuration of this worker or its cloud is fixed', fields);
  } else log.debug('Operation could not be polled', fields);
}

function nextPollInMs<R extends PollResult>(decision: Decision<R>): number | undefined {
  if (decision.next === 'poll') return decision.intervalMs;
  return decision.next === 'return' ? decision.result.refused?.delayMs : undefined;
}

function problemOf(outcome: { error: unknown } | { unserved: string }): { code: string; reason: string } {
  if ('unserved' in outcome) return { code: 'none', reason: outcome.unserved };
  const { error } = outcome;
  const code = error instanceof OperationServiceError ? error.codeName : 'none';
  return { code, reason: boundText(messageOf(error)) };
}
