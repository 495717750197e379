import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { Client as GrpcClient, credentials } from '@grpc/grpc-js';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import {
  googleCloud,
  nebius,
  OperationsClient,
  OperationsPlugin,
  temporalCloud,
  type CloudOptions,
} from 'temporal-lro';
import { loadDescriptors } from '../../src/descriptors/load';
import type { DescriptorRegistry } from '../../src/descriptors/registry';
import { quietRuntime, runWorker } from './environment';
import type { InteropCloud } from './generated-code';
import { startInteropServer, type InteropServer } from './interop';
import { CREDENTIALS } from './left-behind';
import { callUnary } from './unary';

/** The name under which the worker knows the interop server. */
export const CLOUD = 'yandex' satisfies InteropCloud;

/** A time as proto3's canonical JSON writes it. */
export const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6}|\.\d{9})?Z$/;

/** An interop server (test/interop), and a worker on the Temporal server of the test run that waits for its operations. */
export interface InteropWorker {
  /** The address of the Temporal server. */
  client: Client;
  /** Options for a workflow of this worker, with a unique ID. */
  workflow(): { taskQueue: string; workflowId: string };
  /** A client that calls the cloud without Temporal. */
  operations: OperationsClient;
  /** The descriptors of Yandex's own code. */
  registry: DescriptorRegistry;
  /** Calls a method that starts an operation as any client of the cloud would, without any of our code. */
  call(path: string, request: JsonObject): Promise<JsonObject & { id: string }>;
  /**
   * The changes that the server was asked for, as Yandex's generated code read them; an entry may come after the reply.
   */
  requests(): unknown[];
  stop(): Promise<void>;
}

/**
 * Starts both; `workflowsPath` is the module of the worker's workflow types. If one of them fails, the other is
 * stopped.
 */
export async function startInteropWorker(workflowsPath: string, of: InteropCloud = CLOUD): Promise<InteropWorker> {
  quietRuntime();
  const started: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of started.splice(0).reverse()) await end();
  };
  try {
    const server = await startInteropServer(of);
    started.push(() => server.close());
    const temporal = process.env.TEMPORAL_ADDRESS === undefined ? {} : { address: process.env.TEMPORAL_ADDRESS };
    const connection = await Connection.connect(temporal);
    started.push(() => connection.close());
    const workerConnection = await NativeConnection.connect(temporal);
    started.push(() => workerConnection.close());
    const cloud = interopCloud(of, server);
    const taskQueue = `interop-${randomUUID()}`;
    const plugins = [new OperationsPlugin({ clouds: { [of]: cloud } })];
    started.push(await runWorker({ connection: workerConnection, taskQueue, workflowsPath, plugins }));
    const operations = OperationsClient.connect(cloud);
    const grpc = new GrpcClient(server.address, credentials.createInsecure());
    started.push(
      () => operations.close(),
      () => grpc.close(),
    );
    const registry = loadDescriptors([server.descriptorSet]);
    return {
      client: new Client({ connection }),
      workflow: () => ({ taskQueue, workflowId: randomUUID() }),
      operations,
      registry,
      call: (path, request) => callMethod(grpc, registry, path, request),
      requests: () => server.requests(),
      stop,
    };
  } catch (err) {
    await stop();
    throw err;
  }
}

/** Options of a worker for the cloud that the server plays. */
export function interopCloud(of: InteropCloud, { address, descriptorSet }: InteropServer): CloudOptions {
  const options = { plaintext: true, descriptors: [descriptorSet], credentials: CREDENTIALS };
  switch (of) {
    case 'yandex':
      return { ...options, endpoint: address };
    case 'google':
      return googleCloud({ ...options, services: { google: address }, quotaProject: 'redpepper-1290' });
    case 'nebius':
      return nebius({ ...options, services: { nebius: address } });
    case 'temporalCloud':
      return temporalCloud({ ...options, endpoint: address });
  }
}

async function callMethod(
  grpc: GrpcClient,
  registry: DescriptorRegistry,
  path: string,
  request: JsonObject,
): Promise<JsonObject & { id: string }> {
  const operation = await callUnary(grpc, registry, path, request);
  if (!hasId(operation)) throw new Error(`${path} replied with no operation.`);
  return operation;
}

function hasId(json: JsonObject): json is JsonObject & { id: string } {
  return typeof json.id === 'string';
}
