import { DiskService } from '../support/disks';
import { startTemporalProcess } from '../support/temporal-process';
import { startDisks } from './environment';
import { awaitResource } from './workflows';

test('awaitResource continues as new, and the next run waits on', async () => {
  const server = await startTemporalProcess(['limit.historyCount.suggestContinueAsNew=20']);
  const { client, disks, workflow, stop } = await startDisks(server.address);
  try {
    disks.on('d1', (count) => ({ status: count < 4 ? 'CREATING' : 'READY' }));
    const poll = { initialInterval: '5 s', maximumInterval: '5 s', jitter: 0 } as const;
    const request = { diskId: 'd1' };
    const input = { cloud: 'disks', method: DiskService.get.path, request, match: { status: 'READY' }, poll };
    const handle = await client.workflow.start(awaitResource, { ...workflow(), args: [input] });
    expect(await handle.result()).toMatchObject({ status: 'READY' });
    expect((await client.workflow.getHandle(handle.workflowId).describe()).runId).not.toBe(handle.firstExecutionRunId);
    expect(disks.callsFor('d1')).toHaveLength(4);
  } finally {
    await stop();
    await server.kill();
  }
}, 60_000);
