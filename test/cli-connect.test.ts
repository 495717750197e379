import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import {
  Server as GrpcServer,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import { connect, withClient } from '../src/cli/connect';
import { CommandError } from '../src/cli/outcome';
import { listen } from './support/listen';

const TLS = 'test/support/tls';
const file = (name: string): Buffer => readFileSync(join(TLS, name));
const [ca, otherCa] = [file('ca.pem'), file('other-ca.pem')];
const client = { crt: file('client.pem'), key: file('client.key') };
const stranger = { crt: file('yandex.pem'), key: file('yandex.key') };
const key = { cert_chain: file('server.pem'), private_key: file('server.key') };

const ends: (() => void)[] = [];
afterAll(() => ends.forEach((end) => end()));

/** Answers the first calls of a client as a frontend of Temporal would, but refuses each with an error code. */
async function refusing(credentials: ServerCredentials, code: status): Promise<string> {
  const server = new GrpcServer();
  const bytes = { requestStream: false, responseStream: false } as const;
  const same = (message: Buffer): Buffer => message;
  const raw = { requestSerialize: same, requestDeserialize: same };
  const answer = { responseSerialize: same, responseDeserialize: same };
  const path = '/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo';
  server.addService(
    { getSystemInfo: { path, ...bytes, ...raw, ...answer } },
    {
      getSystemInfo: (_: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) =>
        reply({ code, details: 'Request unauthorized.' }),
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (err, bound) => (err ? reject(err) : resolve(bound))),
  );
  ends.push(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}

async function listening(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  ends.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return listen(server);
}

/** The error message for a connection that fails. */
async function said(options: Parameters<typeof connect>[0]): Promise<string> {
  return failure(connect(options));
}

async function failure(work: Promise<unknown>): Promise<string> {
  const err: unknown = await work.then(
    () => new Error('it was possible'),
    (failed: unknown) => failed,
  );
  expect(err).toBeInstanceOf(CommandError);
  return err instanceof Error ? err.message : '';
}

const SERVER = /127\.0\.0\.1:\d+/.source;
const sentence = (text: string): RegExp => new RegExp(`^${text.replaceAll('<server>', SERVER)}[^\n]*$`);

test('each reason why a Temporal server cannot be reached has its own error message', async () => {
  const plain = await refusing(ServerCredentials.createInsecure(), status.UNAUTHENTICATED);
  const secure = await refusing(ServerCredentials.createSsl(null, [key]), status.PERMISSION_DENIED);
  const mutual = await refusing(ServerCredentials.createSsl(ca, [key], true), status.UNAUTHENTICATED);
  const old = { cert_chain: file('expired.pem'), private_key: file('expired.key') };
  const expired = await refusing(ServerCredentials.createSsl(null, [old]), status.UNAUTHENTICATED);
  const silent = await listening(createServer());
  const website = await listening(createHttpServer((_, reply) => reply.end('hello')));
  const trusting = { serverRootCACertificate: ca };
  const cases: [Parameters<typeof connect>[0], RegExp][] = [
    [
      { address: '127.0.0.1:1' },
      sentence('No Temporal server answers at <server> \\(connect ECONNREFUSED <server>\\)\\. Start'),
    ],
    [
      { address: 'no.such.host.invalid:7233' },
      sentence('The host no\\.such\\.host\\.invalid of the address .* cannot be resolved'),
    ],
    [{ address: silent }, sentence('No Temporal server answers at <server>')],
    [
      { address: website },
      sentence('Temporal at <server> cannot be reached: the server does not speak HTTP/2: it answered "HTTP/1\\.1 400'),
    ],
    [
      { address: plain },
      sentence(
        'Temporal at <server> did not accept the credentials \\(UNAUTHENTICATED: Request unauthorized\\.\\): give a valid key',
      ),
    ],
    [{ address: secure, tls: trusting }, sentence('Temporal at <server> denied permission \\(PERMISSION_DENIED')],
    [
      { address: secure },
      sentence('Temporal at <server> cannot be reached: the server speaks TLS, and the connection is plain text'),
    ],
    [
      { address: plain, tls: true },
      sentence('Temporal at <server> cannot be reached: the server does not speak TLS .* Set TEMPORAL_TLS=false'),
    ],
    [
      { address: secure, tls: true },
      sentence(
        'Temporal at <server> cannot be reached: TLS failed .*UNABLE_TO_VERIFY.* TEMPORAL_TLS_SERVER_CA_CERT_PATH',
      ),
    ],
    [
      { address: secure, tls: { serverRootCACertificate: otherCa } },
      sentence('Temporal at <server> .*authority by TEMPORAL_TLS_SERVER_CA'),
    ],
    [
      { address: secure, tls: { ...trusting, serverNameOverride: 'other.example' } },
      sentence('Temporal at <server> .*ALTNAME.*certificate is not for other\\.example: .* TEMPORAL_TLS_SERVER_NAME'),
    ],
    [
      { address: mutual, tls: trusting },
      sentence('Temporal at <server> .*The server asks for a client certificate: give one'),
    ],
    [
      { address: mutual, tls: { ...trusting, clientCertPair: stranger } },
      sentence(
        'Temporal at <server> .*(The|Most likely the) server refuses the client certificate: give one that it trusts',
      ),
    ],
    [
      { address: expired, tls: { serverRootCACertificate: file('expired.pem') } },
      sentence('Temporal at <server> .*CERT_HAS_EXPIRED.* Renew the certificate of the server'),
    ],
    [
      { address: mutual, tls: { ...trusting, clientCertPair: client } },
      sentence('Temporal at <server> did not accept the credentials'),
    ],
    [
      { address: mutual, tls: { clientCertPair: { ...client, key: key.private_key } } },
      sentence('The TLS certificates or keys for Temporal cannot be used \\(.*key values mismatch'),
    ],
    [
      { address: 'https://127.0.0.1:1' },
      sentence('The address of Temporal is "https://127\\.0\\.0\\.1:1", which cannot be'),
    ],
    [{ address: '' }, sentence('The address of Temporal is "", which cannot be used')],
  ];
  const sentences = await Promise.all(cases.map(([options]) => said(options)));
  cases.forEach(([, expected], index) => expect(sentences[index]).toMatch(expected));
});

describe("Temporal's environment configuration", () => {
  const configured = async (variables: Record<string, string>): Promise<string> => {
    const former = { ...process.env };
    Object.assign(process.env, { TEMPORAL_ADDRESS: '127.0.0.1:1', ...variables });
    try {
      return await failure(withClient({}, () => Promise.resolve()));
    } finally {
      for (const name of Object.keys(variables)) delete process.env[name];
      Object.assign(process.env, former);
    }
  };

  test.each([
    ['TEMPORAL_TLS_CLIENT_CERT_PATH', 'TEMPORAL_TLS_CLIENT_KEY_PATH'],
    ['TEMPORAL_TLS_CLIENT_KEY_PATH', 'TEMPORAL_TLS_CLIENT_CERT_PATH'],
    ['TEMPORAL_TLS_SERVER_CA_CERT_PATH', 'TEMPORAL_TLS'],
  ])('a file in %s that does not exist is named in the error', async (name, other) => {
    const there = other === 'TEMPORAL_TLS' ? 'true' : join(TLS, 'client.pem');
    const told = await configured({ [name]: 'no/such.pem', [other]: there });
    expect(told).toMatch(/^A file of Temporal's environment configuration cannot be read \(ENOENT.*'no\/such\.pem'\)/);
    expect(told).toContain(name);
  });

  test.each([
    ['', /^The namespace is "": give 1 to 1000 characters of ASCII/],
    ['a b', /^The namespace is "a b": give/],
    ['b\u00fccher', /^The namespace is "bücher": give/],
    ['line\nbreak', /^The namespace is "line\\nbreak": give/],
  ])('a namespace that no call can carry is refused: %j', async (namespace, told) => {
    expect(await configured({ TEMPORAL_NAMESPACE: namespace })).toMatch(told);
  });
});
