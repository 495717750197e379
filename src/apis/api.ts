import type { DescField, DescMethod } from '@bufbuild/protobuf';
import type { RawAny } from '../descriptors/any-to-json';
import type { Place } from '../descriptors/value-problems';
import type { StartRefusals } from '../model/start-refusals';
import type { Reply } from '../transport/channel';

/**
 * How one family of cloud APIs expresses long-running operations ("dialect"). Everything else in this package works
 * with any implementation. `src/apis/yandex.ts` is an example. To use your own, pass it as {@link CloudOptions.api}.
 */
export interface OperationsApi {
  /** Appears in error messages. */
  readonly name: string;
  /** Returns an operation. Called for each poll. */
  readonly get: OperationCall;
  /** Asks the cloud to cancel an operation. Leave it out if the API cannot cancel. */
  readonly cancel?: OperationCall;
  /** Decodes the reply to a call of `method`, which starts an operation. Throws if it contains no operation. */
  readonly decodeStarted: (reply: Reply, method: DescMethod) => RawOperation;
  /**
   * What to add to the request of a start, so that the cloud recognises a repeated start with the same `key` as the same
   * start and returns the same operation. Undefined if the API cannot do this for `method`.
   */
  readonly mark: (key: string, method: DescMethod) => StartMark | undefined;
  /** Whether a request without this field is invalid. */
  readonly isRequired: (field: DescField) => boolean;
  /** How the API's services word the refusals of a start. */
  readonly refusals: StartRefusals;
}

/** A unary method that takes the ID of an operation. */
export interface OperationCall {
  /** `/package.Service/Method` */
  readonly path: string;
  /** Encodes the request. */
  readonly encode: (operationId: string) => Uint8Array;
  /** Decodes the reply. Throws if it is not an operation. */
  readonly decode: (reply: Reply) => RawOperation;
}

/** What marks a start. */
export interface StartMark {
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * An operation as decoded from a reply. It is in progress unless `done`. If it is done, it has either an `error` or a
 * `response`. An operation that has an error but is not done is rolling back.
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
