import { readFileSync } from 'node:fs';
import { Client as GrpcClient, credentials, status } from '@grpc/grpc-js';
import { loadDescriptors } from '../src/descriptors/load';
import type { InteropCloud } from './support/generated-code';
import { startInteropServer } from './support/interop';
import { callBytes, callUnary } from './support/unary';

const LOCATION = 'projects/redpepper-1290/locations/us-central1';
const OPERATION = `${LOCATION}/operations/ok-1-0ms`;

const CLOUDS: {
  cloud: InteropCloud;
  get: string;
  request: Record<string, string>;
  headers?: Record<string, string>;
  done: object;
}[] = [
  {
    cloud: 'google',
    get: '/google.longrunning.Operations/GetOperation',
    request: { name: OPERATION },
    headers: { 'x-goog-request-params': `name=${encodeURIComponent(OPERATION)}` },
    done: { name: OPERATION, done: true, response: { name: `${LOCATION}/instances/found`, state: 'READY' } },
  },
  {
    cloud: 'nebius',
    get: '/nebius.common.v1.OperationService/Get',
    request: { id: 'ok-1-0ms' },
    done: { id: 'ok-1-0ms', status: {}, resourceId: 'vpcnetwork-ok-1-0ms' },
  },
  {
    cloud: 'temporalCloud',
    get: '/temporal.api.cloud.cloudservice.v1.CloudService/GetAsyncOperation',
    request: { asyncOperationId: 'ok-1-0ms' },
    headers: { 'temporal-cloud-api-version': 'v0.19.1' },
    done: { asyncOperation: { id: 'ok-1-0ms', state: 'STATE_FULFILLED' } },
  },
];

test.each(CLOUDS)(
  "the server of $cloud replies with the cloud's own encoding, reports what it reads, and refuses fields that the cloud does not know",
  async ({ cloud, get, request, headers, done }) => {
    const server = await startInteropServer(cloud);
    const grpc = new GrpcClient(server.address, credentials.createInsecure());
    try {
      const registry = loadDescriptors([readFileSync(server.descriptorSet)]);
      expect(await callUnary(grpc, registry, get, request, headers)).toMatchObject(done);
      expect(server.requests()).toMatchObject([{ method: get, request, values: headers ?? {} }]);
      // Field 100, a varint.
      await expect(callBytes(grpc, get, Buffer.from([0xa0, 0x06, 1]), headers)).rejects.toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: expect.stringMatching(/^Unknown fields in /) as string,
      });
    } finally {
      grpc.close();
      await server.close();
    }
  },
);
