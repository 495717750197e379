import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { isNotFound } from './connect';
import { eventsOf, type Run } from './history';
import { foreignEncoding, needsConverter } from './payloads';

/** So many of the latest workflows of a task queue show whether its workers use a codec. */
const LATEST = 5;

/**
 * Throws a CommandError where the client would write an input in plain text, and the inputs next to it are encoded: that
 * of the wait itself, now or formerly, or those of the latest workflows on its task queue.
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

/** Whether what the client writes can be read by its own data converter only. */
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
    // No wait yet, or one that is no longer kept.
    if (!isNotFound(err)) throw err;
  }
}
