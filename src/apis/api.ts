import type { DescMethod, DescService } from '@bufbuild/protobuf';
import type { InstanceTokens } from '../credentials/metadata-service';
import type { RawAny } from '../descriptors/any-to-json';
import type { OperationMethodTypes } from '../descriptors/operation-method';
import type { StartRules } from '../descriptors/start-rules';
import type { Place } from '../descriptors/value-problems';
import type { OperationProgress } from '../model/progress';
import type { JsonObject } from '../model/snapshot';
import type { StartRefusals } from '../model/start-refusals';
import type { Reply } from '../transport/channel';

/**
 * How one family of cloud APIs expresses long-running operations ("dialect"). Everything else in this package works
 * with any implementation. `src/apis/yandex.ts` is an example, and docs/clouds.md has another one. To use your own, pass
 * it as {@link CloudOptions.api}.
 */
export interface OperationsApi {
  /** Appears in error messages. */
  readonly name: string;
  /** Returns an operation. Called for each poll. */
  readonly get: OperationCall;
  /** Asks the cloud to cancel an operation. Leave it out if the API cannot cancel. */
  readonly cancel?: OperationRequest & Partial<OperationCall>;
  /**
   * What the descriptors show: which methods start operations, which fields are required, and whether the result is a
   * resource to read.
   */
  readonly starts: StartRules;
  /** Decodes the reply to a start. Throws if it contains no operation. */
  readonly decodeStarted: (reply: Reply, start: OperationMethodTypes) => RawOperation;
  /**
   * What to add to the request of a start, so that the cloud recognises a repeated start with the same `key` as the same
   * start and returns the same operation. Undefined if the API cannot do this for `method`: an unmarked start is never
   * repeated after an unknown outcome.
   */
  readonly mark: (key: string, method: DescMethod) => StartMark | undefined;
  /** How the API's services word the refusals of a start. @default the texts that are common to many clouds */
  readonly refusals?: StartRefusals;
  /**
   * The addresses (`host:port`) at which a proto service, or the services of a package, may be called. `descriptor` is
   * that of the service, if the cloud's descriptors have it. Calls carry a token, so return only hosts of the cloud
   * itself. Leave it out if the cloud has one host for the operations of all services.
   */
  readonly hostsOf?: (name: string, descriptor?: DescService) => readonly string[];
  /** Headers of each call, besides the token. */
  readonly headers?: (call: ApiCall) => Readonly<Record<string, string>>;
  /** The metadata service that `metadataService()` asks. @default that of Yandex Cloud and Google Cloud */
  readonly instanceTokens?: InstanceTokens;
}

/** What a call is about: an operation, or a method with its request as JSON. */
export type ApiCall = { operationId: string } | { method: DescMethod; request: JsonObject };

/** A unary method that takes the ID of an operation. */
export interface OperationRequest {
  /** `/package.Service/Method` */
  readonly path: string;
  /** Encodes the request. */
  readonly encode: (operationId: string) => Uint8Array;
}

/** An {@link OperationRequest} whose reply is the operation. If a Cancel has another reply, a poll follows it. */
export interface OperationCall extends OperationRequest {
  /** Decodes the reply. Throws if it contains no operation. */
  readonly decode: (reply: Reply) => RawOperation;
}

/** What marks a start. A field that the caller has set stays as it is, and marks the start instead. */
export interface StartMark {
  readonly headers?: Readonly<Record<string, string>>;
  /** Fields of the request, by JSON name. */
  readonly fields?: JsonObject;
}

/**
 * An operation as decoded from a reply. It is in progress unless `done`. If it is done, it has an `error` or a
 * `response`; it has neither if it succeeded and its result is a resource to read. An operation that has an error but is
 * not done is rolling back.
 */
export interface RawOperation {
  id: string;
  description?: string;
  createdAt?: RawTimestamp;
  createdBy?: string;
  modifiedAt?: RawTimestamp;
  done: boolean;
  metadata?: RawAny;
  error?: RawStatus;
  response?: RawAny;
  /** The resource that the operation works on. */
  resourceId?: string;
  /** How far the operation has got, if the API says so outside the metadata. */
  progress?: OperationProgress;
  /** Strings in the operation that are not UTF-8. The fields above have them with U+FFFD. */
  brokenTexts?: BrokenText[];
  /** How long the server asks to wait before the next poll. */
  pollAfterMs?: number;
}

/** A decoded `google.rpc.Status`. */
export interface RawStatus {
  code: number;
  message: string;
  details: RawAny[];
}

/** A decoded `google.protobuf.Timestamp`; `seconds` is an int64. */
export interface RawTimestamp {
  seconds: string;
  nanos: number;
}

/** A string in an operation that is not UTF-8. */
export interface BrokenText {
  place: Place;
  bytes: Uint8Array;
}
