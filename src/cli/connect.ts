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
import { codeName, statusCode } from '../model/snapshot';
import { errorCode, isFileError, messageOf } from '../model/thrown';
import { checkNamespace, misconfigured } from './names';
import { CommandError } from './outcome';
import { loadDataConverter, unreadableError } from './payloads';
import { unreachable } from './unreachable';

/** How to connect to Temporal. Options that are left out come from Temporal's environment configuration. */
export interface ConnectionOptions {
  address?: string;
  namespace?: string;
  /** A profile of the configuration file. */
  profile?: string;
  /** A module that exports the workers' `dataConverter`. */
  dataConverter?: string;
}

/**
 * Runs `work` with a client. Throws a CommandError if the configuration is invalid, no server answers, the server
 * refuses a call, or payloads cannot be decoded. Does not close the connection: an SDK retry on a closed connection
 * would end the process with an error that cannot be caught.
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

/** Connects to a server and checks that it answers. Throws a CommandError that says why it does not. */
export async function connect(options: ClientConnectionOptions & { address: string }): Promise<Connection> {
  const connection = opened(options);
  try {
    await connection.ensureConnected();
    return connection;
  } catch (err) {
    // The connection is not closed: see withClient.
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
    // The client loads converters from the paths that name them.
    throw misconfigured(
      `--data-converter is ${JSON.stringify(name)}, whose converter cannot be used (${messageOf(err)}): give absolute paths, as to a worker.`,
    );
  }
}

/** The CommandError for an error of a command; undefined for a defect of ours. */
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
        `Temporal at ${address} did not accept the credentials (${said}): give a valid key in TEMPORAL_API_KEY, a client certificate in TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH, or a --profile with one of them.`,
      );
    case statusCode('PERMISSION_DENIED'):
      return new CommandError(
        `Temporal at ${address} denied permission (${said}): check the namespace, and the permissions of the key or certificate in TEMPORAL_API_KEY, TEMPORAL_TLS_* or the profile.`,
      );
    default:
      return new CommandError(`A call to Temporal at ${address} failed (${said}).`);
  }
}

function configuration(profile: string | undefined): {
  connectionOptions: ClientConnectionOptions;
  namespace?: string;
} {
  // The SDK ignores an empty profile, and might then connect to the wrong server.
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

/** The gRPC error behind a failed call of Temporal's client; undefined for other errors. */
export function grpcError(err: unknown): { code: number; details: string } | undefined {
  const cause = err instanceof ServiceError ? err.cause : err;
  return isGrpcServiceError(cause) ? cause : undefined;
}

/** Whether Temporal did not find the requested workflow. */
export function isNotFound(err: unknown): boolean {
  return err instanceof WorkflowNotFoundError || grpcError(err)?.code === statusCode('NOT_FOUND');
}
