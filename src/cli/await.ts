import { type Client, isGrpcServiceError, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import type { awaitOperation } from '../../workflows/definitions';
import { durationMs } from '../model/check';
import { REGISTER_SEARCH_ATTRIBUTES, operationSearchAttributes } from '../model/names';
import { type WaitOptions } from '../model/options';
import { operationTitle } from '../model/texts';
import { attend, type Wait } from './attend';
import { type ConnectionOptions, isNotFound, withClient } from './connect';
import { createDisplay } from './display';
import { eventsOf, type Run } from './history';
import { checkedOption, checkTaskQueue, waitId } from './names';
import { CommandError, DETACHED_EXIT_CODE, EXIT_CODES } from './outcome';
import { foreignEncoding, needsConverter } from './payloads';

export interface AwaitOptions extends ConnectionOptions, Pick<WaitOptions, 'timeout' | 'onTimeout'> {
  cloud: string;
  service?: string;
  taskQueue: string;
  json?: true;
  cancelOnInterrupt?: true;
  searchAttributes?: true;
  summary?: string;
}

/**
 * Starts or joins the workflow that awaits an operation, and shows its progress until it ends. Resolves to the exit
 * code.
 */
export async function runAwait(operationId: string, options: AwaitOptions): Promise<number> {
  const { cloud, taskQueue, timeout } = options;
  waitId(cloud, operationId);
  checkTaskQueue(taskQueue);
  // Checked here, since no worker reads the option if the wait already exists.
  if (timeout !== undefined) checkedOption(() => durationMs('--timeout', timeout));
  return withClient(options, async (client) => {
    const wait = await startOrJoin(client, operationId, options);
    const outcome = await attend(client, wait, createDisplay(operationId, options), {
      comeBack: comeBack(operationId, options),
      onInterrupt: options.cancelOnInterrupt ? 'cancel' : 'detach',
    });
    return outcome === 'detached' ? DETACHED_EXIT_CODE : EXIT_CODES[outcome.outcome];
  });
}

/** An operation has one wait. A wait that succeeded is joined, not repeated. */
async function startOrJoin(client: Client, operationId: string, options: AwaitOptions): Promise<Wait> {
  const { cloud, service, taskQueue, timeout, onTimeout, searchAttributes, summary } = options;
  const workflowId = waitId(cloud, operationId);
  await checkPlaintext(client, workflowId, taskQueue);
  try {
    await client.workflow.start<typeof awaitOperation>('awaitOperation', {
      workflowId,
      taskQueue,
      args: [
        {
          cloud,
          operationId,
          ...(service !== undefined && { service }),
          ...(timeout !== undefined && { timeout }),
          ...(onTimeout && { onTimeout }),
        },
      ],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      staticSummary: summary ?? operationTitle({ id: operationId }),
      staticDetails: `Operation \`${operationId}\` of \`${cloud}\`, awaited by \`temporal-lro await\``,
      ...(searchAttributes && { typedSearchAttributes: operationSearchAttributes(cloud, operationId) }),
    });
  } catch (err) {
    if (!(err instanceof WorkflowExecutionAlreadyStartedError))
      throw unregistered(err, client.options.namespace) ?? err;
  }
  // The handle of the start is bound to the run that was joined, which may have continued as new since.
  return client.workflow.getHandle(workflowId);
}

/** The command that follows the same wait again. */
export function comeBack(
  operationId: string,
  { cloud, dataConverter }: { cloud: string; dataConverter?: string },
): string {
  const converter = dataConverter === undefined ? '' : ` --data-converter ${dataConverter}`;
  return `temporal-lro await ${operationId} --cloud ${cloud}${converter}`;
}

/** The error for a namespace in which the search attributes are not registered; undefined for other errors. */
function unregistered(err: unknown, namespace: string): CommandError | undefined {
  const refusal = err instanceof Error && isGrpcServiceError(err.cause) ? err.cause.details : '';
  if (!/search attribute/i.test(refusal)) return undefined;
  return new CommandError(
    `Namespace ${namespace} lacks search attributes (${refusal}). Register them once, or omit --search-attributes:\n  ${REGISTER_SEARCH_ATTRIBUTES} --namespace ${namespace}`,
  );
}

/** How many of a task queue's latest workflows are checked for encoded inputs. */
const LATEST = 5;

/**
 * Throws a CommandError if the client would write a plain-text input next to encoded ones: the input of the running or
 * a former wait, or those of the latest workflows on its task queue.
 */
export async function checkPlaintext(client: Client, workflowId: string, taskQueue: string): Promise<void> {
  if (await encodes(client)) return;
  await checkInput(client, { workflowId });
  const query = `TaskQueue = '${taskQueue.replace(/['\\]/g, '\\$&')}'`;
  let count = 0;
  for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: LATEST })) {
    await checkInput(client, { workflowId, runId });
    if (++count === LATEST) return;
  }
}

/** Whether the client encodes its payloads. */
async function encodes(client: Client): Promise<boolean> {
  const { payloadConverter, payloadCodecs } = client.options.loadedDataConverter;
  let payloads: Payload[] = [payloadConverter.toPayload('')];
  for (const codec of payloadCodecs) payloads = await codec.encode(payloads);
  return foreignEncoding(payloads) !== undefined;
}

async function checkInput(client: Client, run: Run): Promise<void> {
  try {
    for await (const { workflowExecutionStartedEventAttributes: started } of eventsOf(client, run, 1)) {
      const encoding = foreignEncoding(started?.input?.payloads);
      if (encoding === undefined) return;
      throw needsConverter(`The input of workflow ${run.workflowId} has the encoding ${encoding}`);
    }
  } catch (err) {
    // The wait does not exist yet, or is no longer retained.
    if (!isNotFound(err)) throw err;
  }
}
