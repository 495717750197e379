import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { status } from '@grpc/grpc-js';
import { isGrpcServiceError, WorkflowNotFoundError, type Client, type WorkflowHandle } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { DefaultLogger, MetricsBuffer, type LogEntry, type RuntimeOptions } from '@temporalio/worker';
import { iamToken } from 'temporal-lro';

/**
 * Part of every token of the tests, and of nothing else: everything that a test run leaves behind is searched for it.
 */
export const MARK = 'c4naryMark7';

/** A token of no known secret format, so that redaction by format cannot hide where it leaks. */
export const CREDENTIALS = iamToken(`${MARK}-of-my-own-provider-${MARK}`);

/** The directory of everything that test runs leave behind; each run has a subdirectory. A build empties it. */
export const ROOT = join(__dirname, '../../left-behind');

/** The subdirectory of this run; undefined in a process that no test run has started, such as a bench. */
export function runDirectory(): string | undefined {
  return process.env.LEFT_BEHIND_DIRECTORY;
}

/** Keeps `text` for the search. */
export function leave(kind: 'logs' | 'metrics' | 'histories' | 'outputs' | 'calls', text: string): void {
  const directory = runDirectory();
  if (directory !== undefined) appendFileSync(join(directory, `${kind}-${process.pid}.txt`), `${text}\n`);
}

const errors = new DefaultLogger('ERROR');
const buffer = new MetricsBuffer({ maxBufferSize: 100_000 });
const metrics = new Set<string>();

/** Shows only errors, and keeps everything that is logged and counted. A signal ends the process, and not its workers. */
export function keepingRuntime(): RuntimeOptions {
  if (runDirectory() === undefined) return { logger: errors, shutdownSignals: [] };
  const logger = new DefaultLogger('DEBUG', (entry) => {
    leaveLog(entry);
    errors.log(entry.level, entry.message, entry.meta);
  });
  // Before the buffer is full.
  setInterval(leaveMetrics, 1000).unref();
  return {
    logger,
    shutdownSignals: [],
    telemetryOptions: { logging: { forward: {}, filter: 'WARN' }, metrics: { buffer } },
  };
}

export function leaveLog(entry: LogEntry): void {
  leave('logs', inspect(entry, { depth: Infinity }));
}

/** Keeps each metric once per set of labels, whatever its values are. */
export function leaveMetrics(): void {
  for (const { metric, attributes } of buffer.retrieveUpdates()) {
    const text = `${metric.name} ${JSON.stringify(attributes)}`;
    if (!metrics.has(text)) leave('metrics', text);
    metrics.add(text);
  }
}

/** Keeps the histories of workflows that are in no database file: their runs, and the runs of their children. */
export async function leaveHistories(client: Client, latest: { workflowId: string; runId?: string }): Promise<void> {
  const left = [latest];
  for (const { workflowId, runId } of left) {
    const history = await historyOf(client.workflow.getHandle(workflowId, runId));
    if (history === undefined) continue;
    leave('histories', historyToJSON(history));
    for (const event of history.events ?? []) {
      const previous = event.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
      if (previous) left.push({ workflowId, runId: previous });
      const child = event.childWorkflowExecutionStartedEventAttributes?.workflowExecution;
      // The latest run, which links to the earlier ones.
      if (child?.workflowId) left.push({ workflowId: child.workflowId });
    }
  }
}

async function historyOf(handle: WorkflowHandle): Promise<History | undefined> {
  try {
    return await handle.fetchHistory();
  } catch (err) {
    // The test server forgets workflows, and has an error message of its own for that.
    if (err instanceof WorkflowNotFoundError || (isGrpcServiceError(err) && err.code === status.NOT_FOUND)) return;
    throw err;
  }
}
