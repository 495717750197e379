import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { isNotFound } from './connect';
import { eventsOf, type Run } from './history';
import { foreignEncoding, needsConverter } from './payloads';

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
