import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromJSON, loadSync } from '@grpc/proto-loader';
import { ENVELOPE_SCHEMA } from '../src/apis/envelope-schema';
import { CONTRACT_SET } from '../src/descriptors/contract-set';
import { RESOURCES_SET } from '../src/testing/resources-set';
import { PROTO_DIRECTORY } from './support/proto';

// If one of these tests fails, run `npm run generate:proto`.

test.each([
  ['envelope.binpb', CONTRACT_SET],
  ['fakecloud.binpb', RESOURCES_SET],
])('the generated code contains what the build makes of proto/: %s', (file, inCode) => {
  expect(inCode === readFileSync(join(PROTO_DIRECTORY, file), 'base64')).toBe(true);
});

test('the generated code has the same messages and services as proto-loader reads from proto/', () => {
  const files = [
    'yandex/cloud/operation/operation_service.proto',
    'yandex/cloud/endpoint/api_endpoint_service.proto',
    'yandex/cloud/iam/v1/iam_token_service.proto',
    'google/rpc/status.proto',
    'google/longrunning/operations.proto',
    'nebius/common/v1/operation_service.proto',
    'temporal/api/cloud/cloudservice/v1/service.proto',
    'nebius/iam/v1/token_exchange_service.proto',
  ];
  const read = loadSync(files, { includeDirs: ['proto'] });
  const held = fromJSON(ENVELOPE_SCHEMA);
  expect(Object.keys(held)).toContain('yandex.cloud.operation.OperationService');
  // Without functions, which follow from the descriptors.
  expect(JSON.parse(JSON.stringify(held))).toEqual(JSON.parse(JSON.stringify(read)));
});
