import { codeName, statusCode } from '../model/snapshot';
import {
  Client,
  Connection,
  isGrpcServiceError,
  NamespaceNotFoundError,
  ServiceError,
  WorkflowNotFoundError,
  type ConnectionOptions as ClientConnectionOptions,
} from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { loadDataConverter } from './data-converter';
import { errorCode, isFileError, messageOf } from './error-text';
import { checkNamespace, misconfigured } from './names';
import { CommandError } from './outcome';
import { unreadableError } from './payloads';
import { unreachable } from './unreachable';

/** Where Temporal is; what is left out comes from Temporal's environment configuration. */
export interface ConnectionOptions {
  address?: string;
  namespace?: string;
  /** Of the configuration file. */
  profile?: string;
  /** A module that exports the workers' `dataConverter`. */
  dataConverter?: string;
}

/**
 * Runs `work` with a client. Throws a CommandError where the configuration cannot be used, where no server answers, for
 * what a server refuses, and for payloads that cannot be read. The connection is left to the end of the process: where
 * the SDK is about to repeat a call, it would find it closed, and end the process by an error that nobody can catch.
 */
export async function withClient<T>(options: ConnectionOptions, work: (client: Client) => Promise<T>): Promise<T> {
  const { connectionOptions, ...configured } = configuration(options.profile);
  const address = options.address ?? connectionOptions.address ?? 'localhost:7233';
  const namespace = checkNamespace(options.namespace ?? configured.namespace ?? 'default');
  const dataConverter =
    options.dataConverter === undefined ? undefined : await loadDataConverter(options.dataConverter);
  const connection = await connect({ ...connectionOptions, address });
  try {
    return await work(clientOf(connection, namespace, dataConverter, options.dataConverter));
  } catch (err) {
    throw sentence(err, address, namespace) ?? err;
  }
}

/** A connection to a server that answers; throws a CommandError that says why there is none. */
export async function connect(options: ClientConnectionOptions & { address: string }): Promise<Connection> {
  const connection = opened(options);
  try {
    await connection.ensureConnected();
    return connection;
  } catch (err) {
    // Not closed, as it is said above.
    const refusal = grpcError(err);
    throw refusal ? refused(refusal, options.address) : await unreachable(options, err);
  }
}

function opened(options: ClientConnectionOptions & { address: string }): Connection {
  try {
    return Connection.lazy({ connectTimeout: '5 s', ...options });
  } catch (err) {
    const reason = messageOf(err);
    const isTls = errorCode(err) !== '';
    throw misconfigured(
      isTls
        ? `The TLS certificates or keys for Temporal cannot be used (${reason}): give PEM files, and the key that belongs to the client certificate, by TEMPORAL_TLS_* or the profile.`
        : `The address of Temporal is ${JSON.stringify(options.address)}, which cannot be used (${reason}): give host:port by --address, TEMPORAL_ADDRESS or --profile.`,
    );
  }
}

function clientOf(
  connection: Connection,
  namespace: string,
  dataConverter: Awaited<ReturnType<typeof loadDataConverter>> | undefined,
  name: string | undefined,
): Client {
  try {
    return new Client({ connection, namespace, ...(dataConverter && { dataConverter }) });
  } catch (err) {
    // Converters are named by paths, which the client loads.
    throw misconfigured(
      `--data-converter is ${JSON.stringify(name)}, whose converter cannot be used (${messageOf(err)}): give absolute paths, as to a worker.`,
    );
  }
}

/** What to say of an error that a command met; undefined where it is a defect of ours. */
function sentence(err: unknown, address: string, namespace: string): CommandError | undefined {
  if (err instanceof CommandError) return err;
  if (err instanceof NamespaceNotFoundError) {
    return new CommandError(
      `Temporal at ${address} has no namespace "${namespace}": name another by --namespace, TEMPORAL_NAMESPACE or --profile.`,
    );
  }
  const refusal = grpcError(err);
  return refusal ? refused(refusal, address) : unreadableError(err);
}

function refused({ code, details }: { code: number; details: string }, address: string): CommandError {
  const said = `${codeName(code)}: ${details}`;
  switch (code) {
    case statusCode('UNAUTHENTICATED'):
      return new CommandError(
        `Temporal at ${address} does not know who calls (${said}): give a valid key by TEMPORAL_API_KEY, or a client certificate by TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH, or name a --profile that has one.`,
      );
    case statusCode('PERMISSION_DENIED'):
      return new CommandError(
        `Temporal at ${address} does not let this caller do it (${said}): check the namespace, and the rights of the key or the certificate that TEMPORAL_API_KEY, TEMPORAL_TLS_* or the profile name.`,
      );
    default:
      return new CommandError(`Temporal at ${address} did not do what it was asked (${said}).`);
  }
}

function configuration(profile: string | undefined): {
  connectionOptions: ClientConnectionOptions;
  namespace?: string;
} {
  // Read as none, it would lead to another server than the one that was meant.
  if (profile === '') throw misconfigured('--profile is empty: name one, or leave it out.');
  try {
    return loadClientConnectConfig(profile === undefined ? {} : { profile });
  } catch (err) {
    const reason = messageOf(err);
    throw misconfigured(
      isFileError(err)
        ? `A file of Temporal's environment configuration cannot be read (${reason}): correct the path in TEMPORAL_TLS_CLIENT_CERT_PATH, TEMPORAL_TLS_CLIENT_KEY_PATH, TEMPORAL_TLS_SERVER_CA_CERT_PATH, TEMPORAL_CONFIG_FILE or the profile, or create the file.`
        : `Temporal's environment configuration cannot be used (${reason}). Check the variables TEMPORAL_*, the configuration file and --profile.`,
    );
  }
}

/** What gRPC says of a call that Temporal's client could not make. */
export function grpcError(err: unknown): { code: number; details: string } | undefined {
  const cause = err instanceof ServiceError ? err.cause : err;
  return isGrpcServiceError(cause) ? cause : undefined;
}

/** Whether Temporal does not have what it was asked for. */
export function isNotFound(err: unknown): boolean {
  return err instanceof WorkflowNotFoundError || grpcError(err)?.code === statusCode('NOT_FOUND');
}
