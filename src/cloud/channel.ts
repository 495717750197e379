import { Client, type Metadata, type ChannelCredentials, type ChannelOptions, type ServiceError } from '@grpc/grpc-js';

/** gRPC refuses larger replies with RESOURCE_EXHAUSTED, which would look transient: the size of what we keep is judged later. */
export const MAXIMUM_REPLY_BYTES = 64 * 1024 * 1024;

const OPTIONS: ChannelOptions = {
  'grpc.primary_user_agent': 'temporal-lro',
  'grpc.max_receive_message_length': MAXIMUM_REPLY_BYTES,
  // A connection that went half-open is noticed though polls may be minutes apart. The cloud's own Go SDK pings the same way.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
  // Where calls go is configured here and nowhere else: not in DNS TXT records.
  'grpc.service_config_disable_resolution': 1,
  // Whether a call is repeated is decided where it is known what the call does.
  'grpc.enable_retries': 0,
  'grpc.initial_reconnect_backoff_ms': 1_000,
  'grpc.max_reconnect_backoff_ms': 10_000,
};

/** A reply's bytes, undecoded: a decoder that throws within grpc-js would look like an error of the server. */
export interface Reply {
  body: Buffer;
  headers: Metadata | undefined;
}

/** A call that ended in an error; `headers` are those of the reply, where any came. */
export class CallError extends Error {
  constructor(
    readonly error: ServiceError,
    readonly headers: Metadata | undefined,
  ) {
    super(error.message);
  }
}

const identity = (bytes: Buffer): Buffer => bytes;

/** One connection to one address, made at the first call and kept until it is closed; grpc-js reconnects it. */
export class Channel {
  readonly #connect: () => Client;
  #client: Client | undefined;

  constructor(address: string, credentials: ChannelCredentials, options: ChannelOptions = {}) {
    this.#connect = () => new Client(address, credentials, { ...OPTIONS, ...options });
  }

  /** A unary call. Rejects with a CallError; when `signal` aborts, with code CANCELLED. */
  unary(path: string, body: Buffer, metadata: Metadata, deadlineMs: number, signal?: AbortSignal): Promise<Reply> {
    return new Promise((resolve, reject) => {
      let headers: Metadata | undefined;
      const deadline = Date.now() + deadlineMs;
      this.#client ??= this.#connect();
      const call = this.#client.makeUnaryRequest(
        path,
        identity,
        identity,
        body,
        metadata,
        { deadline },
        (err, reply) => {
          signal?.removeEventListener('abort', abort);
          if (err) reject(new CallError(err, headers));
          else resolve({ body: reply ?? Buffer.alloc(0), headers });
        },
      );
      const abort = (): void => call.cancel();
      call.on('metadata', (received) => (headers = received));
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Closes the connection; a later call makes a new one. */
  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }
}
