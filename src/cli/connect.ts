import {
  Client,
  Connection,
  isGrpcServiceError,
  NamespaceNotFoundError,
  ServiceError,
  type ConnectionOptions as ClientConnectionOptions,
} from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { codeName } from '../model/status-code';
import { CommandError } from './outcome';

/** Where Temporal is; what is left out comes from Temporal's environment configuration. */
export interface ConnectionOptions {
  address?: string;
  namespace?: string;
  /** Of the configuration file. */
  profile?: string;
}

/**
 * Runs `work` with a client. Throws a CommandError where the configuration cannot be used, where no server answers, and for
 * what a server refuses. The connection is left to the end of the process: where the SDK is about to repeat a call, it
 * would find it closed, and end the process by an error that nobody can catch.
 */
export async function withClient<T>(options: ConnectionOptions, work: (client: Client) => Promise<T>): Promise<T> {
  const { connectionOptions, ...configured } = configuration(options.profile);
  const address = options.address ?? connectionOptions.address ?? 'localhost:7233';
  const namespace = options.namespace ?? configured.namespace ?? 'default';
  let connection: Connection;
  try {
    connection = await Connection.connect({ connectTimeout: '5 s', ...connectionOptions, address });
  } catch (err) {
    throw new CommandError(
      `No Temporal server answers at ${address} (${err instanceof Error ? err.message : String(err)}). Start one, or name another by --address, TEMPORAL_ADDRESS or --profile.`,
    );
  }
  try {
    return await work(new Client({ connection, namespace }));
  } catch (err) {
    if (err instanceof NamespaceNotFoundError) {
      throw new CommandError(
        `Temporal at ${address} has no namespace "${namespace}": name another by --namespace, TEMPORAL_NAMESPACE or --profile.`,
      );
    }
    const refusal = grpcError(err);
    if (!refusal) throw err;
    throw new CommandError(
      `Temporal at ${address} did not do what it was asked (${codeName(refusal.code)}: ${refusal.details}).`,
    );
  }
}

function configuration(profile: string | undefined): {
  connectionOptions: ClientConnectionOptions;
  namespace?: string;
} {
  // Read as none, it would lead to another server than the one that was meant.
  if (profile === '') throw new CommandError('--profile is empty: name one, or leave it out.');
  try {
    return loadClientConnectConfig(profile === undefined ? {} : { profile });
  } catch (err) {
    throw new CommandError(
      `Temporal's environment configuration cannot be used (${err instanceof Error ? err.message : String(err)}). Check the variables TEMPORAL_*, the configuration file and --profile.`,
    );
  }
}

/** What gRPC says of a call that Temporal's client could not make. */
export function grpcError(err: unknown): { code: number; details: string } | undefined {
  const cause = err instanceof ServiceError ? err.cause : err;
  return isGrpcServiceError(cause) ? cause : undefined;
}
