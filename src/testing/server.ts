import { statusCode } from '../model/snapshot';
import { Metadata, Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';

/** A call as it came in; its request is undecoded. */
export interface IncomingCall {
  path: string;
  body: Buffer;
  /** The first value of a header. */
  header(name: string): string | undefined;
  /** Sorted. */
  headerNames: string[];
  /** Aborts when the caller has gone and when the server closes: then nothing is worth waiting for. */
  signal: AbortSignal;
}

/** The reply to a call, encoded. */
export interface OutgoingReply {
  body: Buffer;
  headers?: Record<string, string>;
}

/** Thrown by whoever answers a call: the call fails with this code, message and google.rpc.Status. */
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

/** How long a closing server waits for calls that are being answered. */
const CLOSING_MS = 200;
const HOST = '127.0.0.1';
const identity = (bytes: Buffer): Buffer => bytes;

/** A gRPC server on a loopback port, without TLS, whose unary methods are handed over as bytes. */
export class UnaryServer {
  readonly #server = new Server({ 'grpc.max_receive_message_length': -1, 'grpc.enable_channelz': 0 });
  /** One for each call that is being answered. */
  readonly #gone = new Set<AbortController>();
  #closed: Promise<void> | undefined;

  /** Listens; resolves to `host:port`. Rejects when the port is taken. */
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

  /** Answers a method; methods that nobody answers fail with UNIMPLEMENTED. Throws for one that has an answer already. */
  answer(path: string, answer: Answer): void {
    const handler: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
      const gone = new AbortController();
      this.#gone.add(gone);
      // It comes with the end of an answered call as well.
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

  /** Stops listening, lets calls end for a moment, and closes every connection. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      for (const gone of this.#gone) gone.abort();
      // Repeated, since a connection that was just being made is not among those that the first one closes.
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

/** A mistake in a test's script fails by a code that nobody repeats, so that the test ends and tells. */
function unforeseen(path: string, err: unknown): CallFailure {
  const code = statusCode('INVALID_ARGUMENT');
  return new CallFailure(code, `FakeCloud cannot answer ${path}: ${err instanceof Error ? err.message : String(err)}`);
}
