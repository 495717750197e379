// npm run bench:cancelling: measures the time from the cancellation of a workflow until Cancel reaches the cloud.
import { CLOUD, quietRuntime, startEnvironment } from '../test/support/environment';
import { awaitOperation } from '../workflows/definitions';
import { startTemporalServer } from '../src/testing/temporal-server';

const COUNT = 100;

async function main(): Promise<void> {
  quietRuntime();
  const server = await startTemporalServer();
  process.env.TEMPORAL_ADDRESS = server.address;
  const workflowsPath = require.resolve('../workflows/definitions');
  const { client, cloud, workflow, stop } = await startEnvironment({ worker: { workflowsPath } });
  try {
    const requestedAt = new Map<string, number>();
    const poll = { initialInterval: '2 s' } as const;
    const waits = await Promise.all(
      Array.from({ length: COUNT }, async () => {
        const operationId = cloud.operation({ after: '1 h', response: { '@type': 'google.protobuf.Empty' } });
        const args: Parameters<typeof awaitOperation> = [{ cloud: CLOUD, operationId, poll }];
        return { operationId, handle: await client.workflow.start(awaitOperation, { ...workflow(), args }) };
      }),
    );
    const seen = (): number => new Set(cloud.calls.map(({ operationId }) => operationId)).size;
    while (seen() < COUNT) await new Promise((resolve) => setTimeout(resolve, 50));
    for (const { operationId, handle } of waits) {
      requestedAt.set(operationId, Date.now());
      await handle.cancel();
      await handle.result().catch(() => undefined);
    }
    const cancels = cloud.calls.filter(({ method }) => method.endsWith('/Cancel'));
    const delays = cancels
      .map(({ operationId = '', at }) => at - (requestedAt.get(operationId) ?? NaN))
      .sort((a, b) => a - b);
    const at = (share: number): string => `${delays[Math.floor(share * (delays.length - 1))] ?? NaN} ms`;
    console.table([{ waits: COUNT, 'Cancel calls': cancels.length, p50: at(0.5), p99: at(0.99), maximum: at(1) }]);
  } finally {
    await stop();
    await server.stop();
  }
}

void main();
