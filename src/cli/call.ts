import { checkCloudName, checkRequestJson } from '../model/options';
import { durationMs } from '../model/check';
import type { JsonObject } from '../model/snapshot';
import { messageOf } from '../model/thrown';
import { problemsText } from '../model/unary-call';
import { CloudDesk } from './cloud-desk';
import { withClient, type ConnectionOptions } from './connect';
import { checkedOption, checkTaskQueue, misconfigured } from './names';

export interface CallOptions extends ConnectionOptions {
  cloud: string;
  taskQueue: string;
  timeout: string;
  json?: true;
}

/**
 * Calls a method of a cloud through a worker, and prints the reply as JSON. Resolves to the exit code. Rejects with a
 * CommandError if the method is not called or refused.
 */
export async function runCall(
  method: string,
  request: string,
  { cloud, taskQueue, timeout, json, ...connection }: CallOptions,
): Promise<number> {
  checkedOption(() => checkCloudName(cloud));
  checkTaskQueue(taskQueue);
  const timeoutMs = checkedOption(() => durationMs('--timeout', timeout));
  const parsed = requestOf(request);
  return withClient(connection, async (client) => {
    const desk = new CloudDesk(client, taskQueue, cloud);
    const { reply, problems } = await desk.call(method, parsed, timeoutMs);
    console.log(JSON.stringify(reply, undefined, json ? undefined : 2));
    if (problems) console.error(`temporal-lro: ${problemsText(cloud, method, problems)}`);
    return 0;
  });
}

function requestOf(text: string): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (err) {
    throw misconfigured(
      `The request is not JSON (${messageOf(err)}): give an object in single quotes, such as '{"clusterId":"c9q…"}'.`,
    );
  }
  return checkedOption(() => checkRequestJson(parsed));
}
