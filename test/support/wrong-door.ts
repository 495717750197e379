// A common mistake: workflow code that imports the entry of workers and clients.
import { operationWorkflowId } from 'temporal-lro';

export async function wrongDoor(): Promise<string> {
  return Promise.resolve(operationWorkflowId('yandex', 'fcm1'));
}
