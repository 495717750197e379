import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { TASK_QUEUE } from './task-queue';
import { createNamespace } from './workflows';

/** `node main.js NAME REGION`: creates a namespace, or joins the execution that is creating it. */
async function main([name = '', region = 'aws-us-east-1']: string[]): Promise<void> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await Connection.connect(connectionOptions);
  try {
    const client = new Client({ connection, namespace });
    const ready = await client.workflow.execute(createNamespace, {
      workflowId: `namespace/${name}`,
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: TASK_QUEUE,
      args: [{ name, regions: [region], retentionDays: 30, apiKeyAuth: { enabled: true } }],
    });
    console.log(`${ready.namespace} is ready at ${ready.address}`);
  } finally {
    await connection.close();
  }
}

main(process.argv.slice(2)).catch((err: unknown) => {
  console.error(err);
  process.exitCode = 1;
});
