import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { interopDescriptors, type InteropCloud } from './generated-code';

/** An example whose typed methods are generated from the clouds' own descriptors. */
export interface ExampleModules {
  /** Where they are committed. */
  directory: string;
  clouds: InteropCloud[];
  methods: string[];
}

const CLOUD_SERVICE = 'temporal.api.cloud.cloudservice.v1.CloudService';

export const EXAMPLES: ExampleModules[] = [
  {
    directory: 'examples/clouds/cloud',
    clouds: ['yandex', 'google', 'nebius'],
    methods: [
      'yandex.cloud.compute.v1.DiskService/Create',
      'google.cloud.redis.v1.CloudRedis/CreateInstance',
      'google.cloud.redis.v1.CloudRedis/GetInstance',
      'nebius.vpc.v1.NetworkService/Create',
    ],
  },
  {
    directory: 'examples/temporal-cloud-namespace/cloud',
    clouds: ['temporalCloud'],
    methods: ['CreateNamespace', 'GetNamespace', 'GetNamespaces'].map((name) => `${CLOUD_SERVICE}/${name}`),
  },
];

/** Generates the methods of an example into `output`. */
export async function generateExample({ clouds, methods }: ExampleModules, output: string): Promise<void> {
  const sets = await Promise.all(clouds.map(interopDescriptors));
  const main = join(__dirname, '../../src/cli/main');
  const only = methods.flatMap((method) => ['--only', method]);
  await promisify(execFile)(process.execPath, [main, 'generate', ...sets, ...only, '--out', output]);
}

async function generateAll(): Promise<void> {
  for (const example of EXAMPLES) await generateExample(example, example.directory);
}

if (require.main === module) void generateAll();
