import { exporter, provider, spanProcessor } from './register';
import { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { OperationsPlugin } from 'temporal-lro';
import { quietRuntime } from '../support/environment';
import { CREDENTIALS } from '../support/left-behind';

/** The fields of a span that form the tree. */
export interface TracedSpan {
  name: string;
  id: string;
  parentId?: string;
}

/** A program as users with tracing write it: it waits for an operation, and prints its spans. */
async function main(cloudAddress: string, operationId: string, taskQueue: string): Promise<void> {
  quietRuntime();
  const address = process.env.TEMPORAL_ADDRESS ?? '';
  const tracing = new OpenTelemetryPlugin({ resource: provider.resource, spanProcessor });
  const connection = await NativeConnection.connect({ address });
  const yandex = { endpoint: cloudAddress, plaintext: true, credentials: CREDENTIALS };
  const worker = await Worker.create({
    connection,
    taskQueue,
    plugins: [tracing, new OperationsPlugin({ clouds: { yandex } })],
    workflowsPath: require.resolve('temporal-lro/workflow-definitions'),
  });
  const clientConnection = await Connection.connect({ address });
  const client = new Client({ connection: clientConnection, plugins: [tracing] });
  await worker.runUntil(
    client.workflow.execute('awaitOperation', {
      workflowId: taskQueue,
      taskQueue,
      args: [{ cloud: 'yandex', operationId, poll: { initialInterval: '100 ms' } }],
    }),
  );
  await clientConnection.close();
  await connection.close();
  await spanProcessor.forceFlush();
  const spans = exporter.getFinishedSpans().map((span): TracedSpan => {
    const { name, parentSpanId } = span;
    return { name, id: span.spanContext().spanId, ...(parentSpanId && { parentId: parentSpanId }) };
  });
  console.log(JSON.stringify(spans));
}

const [, , cloudAddress = '', operationId = '', taskQueue = ''] = process.argv;
if (require.main === module) void main(cloudAddress, operationId, taskQueue);
