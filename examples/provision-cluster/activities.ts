import { resolve } from 'path';
import { Client, credentials } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const PROTO = resolve(__dirname, '../../proto');

/** Calls a method of the cloud that starts an operation, and returns the operation's id. */
export async function startOperation(path: string, request: object): Promise<string> {
  const [, serviceName = '', methodName = ''] = path.split('/');
  const definition = loadSync('fakecloud/v1/resources.proto', { includeDirs: [PROTO], longs: String });
  const service = definition[serviceName];
  const method = service && !('format' in service) ? service[methodName] : undefined;
  if (!method) throw new Error(`There is no method ${path}`);
  const client = new Client(process.env.CLOUD_ADDRESS ?? '', credentials.createInsecure());
  try {
    return await new Promise<string>((resolve, reject) => {
      client.makeUnaryRequest(path, method.requestSerialize, method.responseDeserialize, request, (err, operation) =>
        operation && 'id' in operation ? resolve(String(operation.id)) : reject(err ?? new Error('no operation')),
      );
    });
  } finally {
    client.close();
  }
}
