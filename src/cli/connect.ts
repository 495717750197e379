import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { CommandError } from './outcome';

/** Where Temporal is; what is left out comes from Temporal's environment configuration. */
export interface ConnectionOptions {
  address?: string;
  namespace?: string;
  /** Of the configuration file. */
  profile?: string;
}

/** Runs `work` with a client that is closed afterwards. Throws a CommandError where no server answers. */
export async function withClient<T>(options: ConnectionOptions, work: (client: Client) => Promise<T>): Promise<T> {
  const { connectionOptions, namespace } = loadClientConnectConfig(
    options.profile === undefined ? {} : { profile: options.profile },
  );
  const address = options.address ?? connectionOptions.address;
  let connection: Connection;
  try {
    connection = await Connection.connect({ connectTimeout: '5 s', ...connectionOptions, ...(address && { address }) });
  } catch (err) {
    throw new CommandError(
      `No Temporal server answers at ${address ?? 'localhost:7233'} (${err instanceof Error ? err.message : String(err)}). Start one, or name another by --address, TEMPORAL_ADDRESS or --profile.`,
    );
  }
  try {
    return await work(new Client({ connection, namespace: options.namespace ?? namespace ?? 'default' }));
  } finally {
    await connection.close();
  }
}
