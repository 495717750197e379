import { anyToJson } from '../descriptors/any-to-json';
import type { DescriptorRegistry } from '../descriptors/registry';
import { redact, redactDetail } from '../model/redact';
import { codeName, statusCode, type AnyJson, type OperationSnapshot } from '../model/snapshot';
import { statusText } from '../model/texts';
import type { CallError } from '../transport/channel';
import { decodeStatus } from './envelope';

/** The error status of a call. `neverSent` defaults to false. */
interface CallStatus {
  code: number;
  message: string;
  details?: AnyJson[];
  requestId?: string;
  neverSent?: boolean;
  operation?: OperationSnapshot;
}

/** A call that the cloud refused, or that did not get through. */
export class OperationServiceError extends Error {
  override readonly name = 'OperationServiceError';
  /** A google.rpc.Code. UNAVAILABLE and DEADLINE_EXCEEDED may also come from the client. */
  readonly code: number;
  readonly codeName: string;
  /** The cloud's error text. */
  readonly rawMessage: string;
  /** The decoded details from the trailer `grpc-status-details-bin`. */
  readonly details: AnyJson[];
  /** Identifies the call for the cloud's support. */
  readonly requestId?: string;
  /**
   * Whether the call never reached the cloud: there was no token, endpoint or connection. If false, the call may have
   * taken effect.
   */
  readonly neverSent: boolean;

  /** The operation, if it has succeeded and the call was to read its resource. */
  readonly operation?: OperationSnapshot;

  /** Redacts `status`, since servers echo requests. */
  constructor(call: string, status: CallStatus) {
    const name = codeName(status.code);
    const message = redact(status.message);
    super(`${call}: ${statusText({ codeName: name, message })}`);
    this.code = status.code;
    this.codeName = name;
    this.rawMessage = message;
    this.details = (status.details ?? []).map(redactDetail);
    this.neverSent = status.neverSent ?? false;
    if (status.operation) this.operation = status.operation;
    if (status.requestId !== undefined) this.requestId = redact(status.requestId);
  }

  /** The same error, of a call `what` that was to read the resource of a successful operation. */
  after(what: string, operation: OperationSnapshot): OperationServiceError {
    const { code, rawMessage: message, details, requestId, neverSent } = this;
    return new OperationServiceError(what, {
      code,
      message,
      details,
      neverSent,
      operation,
      ...(requestId === undefined ? {} : { requestId }),
    });
  }

  static from(call: string, err: CallError, registry: DescriptorRegistry): OperationServiceError {
    const status = err.status && decodeStatus(err.status);
    const requestId = err.header('x-request-id');
    return new OperationServiceError(call, {
      code: err.code,
      message: err.details,
      details: status?.details.map((detail) => anyToJson(detail, registry)) ?? [],
      ...(requestId === undefined ? {} : { requestId }),
      neverSent: err.neverSent,
    });
  }
}

/** Whether the cloud answered that the operation does not exist. */
export function isNotFound(err: unknown): boolean {
  return err instanceof OperationServiceError && err.code === statusCode('NOT_FOUND');
}
