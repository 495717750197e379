import { statusCode } from '../model/snapshot';
import { messageOf } from '../model/thrown';
import { Metadata, Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';

/** An incoming call with its encoded request. */
export interface IncomingCall {
  path: string;
  body: Buffer;
  /** Returns the first value of a header. */
  header(name: string): string | undefined;
  /** Sorted. */
  headerNames: string[];
  /** Aborts when the caller is gone or the server closes: waiting is then pointless. */
  signal: AbortSignal;
}

/** The reply to a call, encoded. */
export interface OutgoingReply {
  body: Buffer;
  headers?: Record<string, string>;
}

/** Throw it from an answer to fail the call with this code, message and google.rpc.Status. */
export class CallFailure extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly status?: Buffer,
  ) {
    super(message);
  }
}

type Answer = (call: IncomingCall) => Promise<OutgoingReply>;

/** How long a closing server waits for calls in flight. */
const CLOSING_MS = 200;
const HOST = '127.0.0.1';
const identity = (bytes: Buffer): Buffer => bytes;

/** A gRPC server on a loopback port, without TLS, whose unary methods get and return bytes. */
export class UnaryServer {
  readonly #server = new Server({ 'grpc.max_receive_message_length': -1, 'grpc.enable_channelz': 0 });
  /** One for each call in flight. */
  readonly #gone = new Set<AbortController>();
  #closed: Promise<void> | undefined;

  /** Starts to listen, and resolves to `host:port`. Rejects if the port is taken. */
  listen(port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`${HOST}:${port}`, ServerCredentials.createInsecure(), (err, bound) => {
        if (!err) return resolve(`${HOST}:${bound}`);
        this.#server.forceShutdown();
        const advice = 'Close what listens there, or leave `port` out for a free one';
        reject(new Error(`FakeCloud cannot listen on ${HOST}:${port}: ${err.message}. ${advice}.`, { cause: err }));
      });
    });
  }

  /** Sets the answer of a method. Throws if it already has one. Methods without an answer fail with UNIMPLEMENTED. */
  answer(path: string, answer: Answer): void {
    const handler: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
      const gone = new AbortController();
      this.#gone.add(gone);
      // This event is also emitted at the end of an answered call.
      call.on('cancelled', () => {
        if (this.#gone.has(gone)) gone.abort();
      });
      const incoming: IncomingCall = {
        path,
        body: call.request,
        header: (name) => call.metadata.get(name)[0]?.toString(),
        headerNames: Object.keys(call.metadata.getMap()).sort(),
        signal: gone.signal,
      };
      void answer(incoming)
        .then(
          ({ body, headers }) => {
            if (headers) call.sendMetadata(toMetadata(headers));
            callback(null, body);
          },
          (err: unknown) => {
            const { code, message, status } = err instanceof CallFailure ? err : unforeseen(path, err);
            const trailers = toMetadata(status ? { 'grpc-status-details-bin': status } : {});
            callback({ code, details: message, metadata: trailers });
          },
        )
        .finally(() => this.#gone.delete(gone));
    };
    if (!this.#server.register(path, handler, identity, identity, 'unary')) throw new Error(`${path} has an answer`);
  }

  /** Stops listening, gives calls in flight a moment to end, and closes every connection. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      for (const gone of this.#gone) gone.abort();
      // Repeated, since one call misses connections that are just being established.
      const force = setInterval(() => this.#server.forceShutdown(), CLOSING_MS);
      this.#server.tryShutdown(() => {
        clearInterval(force);
        resolve();
      });
    });
    return this.#closed;
  }
}

function toMetadata(headers: Record<string, string | Buffer>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

/** A mistake in a test's script fails the call with a code that is not retried, so that the test ends and shows it. */
function unforeseen(path: string, err: unknown): CallFailure {
  const code = statusCode('INVALID_ARGUMENT');
  return new CallFailure(code, `FakeCloud cannot answer ${path}: ${messageOf(err)}`);
}
