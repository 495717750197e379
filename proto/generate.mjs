/** Writes what the code needs of proto/ into the code, so that no file has to be found when it runs, as in a bundle. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { format, resolveConfig } from 'prettier';

const packages = {
  'src/descriptors/contract-set.ts': [
    'CONTRACT_SET',
    'proto/google/rpc',
    'proto/yandex',
    'proto/nebius/common/v1/error.proto',
  ],
  'src/testing/resources-set.ts': ['RESOURCES_SET', 'proto/fakecloud'],
};
for (const [file, [name, ...paths]] of Object.entries(packages)) {
  const buf = ['build', 'proto', '--exclude-source-info', ...paths.flatMap((path) => ['--path', path]), '-o', '-'];
  const set = execFileSync('buf', buf).toString('base64');
  await write(
    file,
    `/** A FileDescriptorSet of ${paths.join(' and ')}, in base64. */\nexport const ${name} = '${set}';`,
  );
}

// By the protobufjs that proto-loader reads it with.
const require = createRequire(createRequire(import.meta.url).resolve('@grpc/proto-loader'));
const { Root } = require('protobufjs');
const root = new Root();
root.resolvePath = (_, path) => `proto/${path}`;
root.loadSync([
  'yandex/cloud/operation/operation_service.proto',
  'yandex/cloud/endpoint/api_endpoint_service.proto',
  'yandex/cloud/iam/v1/iam_token_service.proto',
  'google/rpc/status.proto',
  'google/longrunning/operations.proto',
  'nebius/common/v1/operation_service.proto',
  'temporal/api/cloud/cloudservice/v1/service.proto',
  'nebius/iam/v1/token_exchange_service.proto',
]);
// Its types want a comment on every method.
const schema = JSON.stringify(root, (_, value) => (value?.requestType ? { ...value, comment: '' } : value));
await write(
  'src/apis/envelope-schema.ts',
  `/** The messages and services of the envelope, as proto-loader reads them. */\nexport const ENVELOPE_SCHEMA = ${schema};`,
);

async function write(file, code) {
  const head = '// Written by `npm run generate:proto`; do not edit.\n\n';
  writeFileSync(file, await format(head + code, { ...(await resolveConfig(file)), filepath: file }));
}
