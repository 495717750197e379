import { once } from 'events';
import { connect as connectTcp, type Socket } from 'net';
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'tls';
import type { ConnectionOptions } from '@temporalio/client';
import { errorCode, messageOf } from '../model/thrown';
import { CommandError } from './outcome';

type Options = ConnectionOptions & { address: string };

/** How long each step of the diagnosis may take. */
const STEP_MS = 2_000;
/** Our own socket cannot diagnose a connection through a proxy. */
const PROXIES = ['grpc_proxy', 'https_proxy', 'http_proxy'];
/** An HTTP/2 client speaks first: the preface and empty SETTINGS. */
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from('000000040000000000', 'hex'),
]);

/**
 * Returns the CommandError for a server that gRPC could not reach. gRPC only reports a timeout, so this connects again
 * with its own sockets, step by step, to see which step fails. If none fails, the message contains `err`.
 */
export async function unreachable({ address, tls }: Options, err: unknown): Promise<CommandError> {
  const reason = messageOf(err);
  const [host, port] = hostAndPort(address);
  const proxy = PROXIES.find((name) => process.env[name]);
  const direct = (process.env.no_grpc_proxy ?? process.env.no_proxy ?? '').split(',');
  if (proxy && !direct.some((suffix) => suffix !== '' && host.endsWith(suffix)))
    return silent(address, `${reason}; connections go through the proxy of ${proxy}`);
  let socket: Socket | undefined;
  try {
    socket = connectTcp({ host, port });
    await once(socket, 'connect', { signal: AbortSignal.timeout(STEP_MS) });
  } catch (failed) {
    socket?.destroy();
    return notConnected(address, host, failed);
  }
  const problem = tls ? await tlsProblem(socket, host, tls) : await plainProblem(socket, host, port);
  socket.destroy();
  if (problem === undefined) return silent(address, reason);
  return new CommandError(`Temporal at ${address} cannot be reached: ${problem}.`);
}

function silent(address: string, reason: string): CommandError {
  return new CommandError(
    `No Temporal server answers at ${address} (${reason}). Start one, or name another with --address, TEMPORAL_ADDRESS or --profile.`,
  );
}

function notConnected(address: string, host: string, err: unknown): CommandError {
  const code = errorCode(err);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new CommandError(
      `The host ${host} of the address ${address} cannot be resolved (${code}): correct it in --address, TEMPORAL_ADDRESS or the profile, or check DNS.`,
    );
  }
  return silent(address, code === 'ABORT_ERR' ? 'no connection within 2 s' : messageOf(err));
}

/** The problem of a plain-text connection; undefined if the server speaks HTTP/2. */
async function plainProblem(socket: Socket, host: string, port: number): Promise<string | undefined> {
  socket.write(PREFACE);
  const first = await firstBytes(socket);
  if (isHttp2(first)) return undefined;
  if (await speaksTls(host, port))
    return 'the server speaks TLS, and the connection is plain text. Set TEMPORAL_TLS=true, or give an API key or certificates by TEMPORAL_* or the profile';
  if (typeof first === 'string') return undefined;
  return `the server does not speak HTTP/2: it answered ${JSON.stringify(first.toString('latin1').slice(0, 20))}. Name the gRPC port of Temporal, by default 7233`;
}

async function tlsProblem(
  socket: Socket,
  host: string,
  given: Exclude<Options['tls'], undefined | null | false>,
): Promise<string | undefined> {
  const options = given === true ? {} : given;
  const { serverRootCACertificate: ca, clientCertPair: pair, serverNameOverride } = options;
  const name = serverNameOverride ?? host;
  const secured = await handshake(socket, {
    // SNI does not allow IP addresses. Node.js still checks the certificate against `host`.
    host: name,
    ...(/[a-z]/i.test(name) && !name.includes(':') && { servername: name }),
    ...(ca && { ca: Buffer.from(ca) }),
    ...(pair && { cert: Buffer.from(pair.crt), key: Buffer.from(pair.key) }),
  });
  if (typeof secured !== 'string') return undefined;
  return explained(secured, name, pair !== undefined && pair !== null);
}

/** What a failed handshake means and what to change, from Node.js's code or OpenSSL's text for the server's alert. */
function explained(failed: string, name: string, hasCertificate: boolean): string {
  const told = `TLS failed (${failed})`;
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|wrong version number/i.test(failed))
    return `the server does not speak TLS (${failed}). Set TEMPORAL_TLS=false and leave TEMPORAL_API_KEY and TEMPORAL_TLS_* out, or name its TLS port`;
  if (/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/.test(failed))
    return `${told}. Renew the certificate of the server, or correct the clock of this machine`;
  if (/ALTNAME_INVALID/.test(failed))
    return `${told}. Its certificate is not for ${name}: correct the address, or name the host of the certificate by TEMPORAL_TLS_SERVER_NAME`;
  if (/UNABLE_TO|SELF_SIGNED|CERT_UNTRUSTED|INVALID_CA/.test(failed))
    return `${told}. This machine does not trust the issuer of its certificate: name the right certificate authority by TEMPORAL_TLS_SERVER_CA_CERT_PATH or the profile`;
  if (failed === CLOSED_AFTERWARDS || /certificate|unknown ca/i.test(failed)) {
    const who = failed === CLOSED_AFTERWARDS ? 'Most likely the server' : 'The server';
    const does = hasCertificate ? 'refuses the client certificate' : 'asks for a client certificate';
    return `${told}. ${who} ${does}: give one that it trusts by TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH`;
  }
  return `${told}. Check the address and TEMPORAL_TLS_*, and the TLS configuration of the server`;
}

const CLOSED_AFTERWARDS = 'the server closed the connection after the handshake';

/** Makes a TLS handshake. Resolves to undefined if it succeeds; otherwise to the reason, which begins with its code. */
function handshake(over: Socket, options: TlsOptions): Promise<string | undefined> {
  const socket = connectTls({ ...options, socket: over, ALPNProtocols: ['h2'] });
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('no answer within 2 s'), STEP_MS);
    const end = (reason?: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reason);
    };
    // In TLS 1.3, a server may reject a client certificate after the handshake, so wait for its first data or alert.
    let isAgreed = false;
    socket.on('secureConnect', () => {
      isAgreed = true;
      socket.write(PREFACE);
    });
    socket.on('data', () => end());
    socket.on('error', (err: Error) => end([errorCode(err), err.message.trim()].filter(Boolean).join(': ')));
    socket.on('close', () => end(isAgreed ? CLOSED_AFTERWARDS : 'the server closed the connection'));
  });
}

async function speaksTls(host: string, port: number): Promise<boolean> {
  const socket = connectTls({ host, port, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(STEP_MS) });
    return true;
  } catch {
    return false;
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}

async function firstBytes(socket: Socket): Promise<Buffer | string> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('no answer'), STEP_MS);
    const end = (first: Buffer | string): void => {
      clearTimeout(timer);
      resolve(first);
    };
    socket.on('data', end);
    socket.on('error', (err: Error) => end(err.message));
    socket.on('close', () => end('closed'));
  });
}

/** Whether the server's first frame is SETTINGS: type 4 on stream 0. */
function isHttp2(first: Buffer | string): boolean {
  return typeof first !== 'string' && first.length >= 9 && first[3] === 4 && first.readUInt32BE(5) === 0;
}

function hostAndPort(address: string): [string, number] {
  const { hostname, port } = new URL(`tcp://${address}`);
  return [hostname.replace(/^\[|\]$/g, ''), Number(port) || 7233];
}
