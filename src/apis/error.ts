import { anyToJson } from '../descriptors/any-to-json';
import type { DescriptorRegistry } from '../descriptors/registry';
import { redact, redactDetail } from '../model/redact';
import { codeName, statusCode, type AnyJson } from '../model/snapshot';
import { statusText } from '../model/texts';
import type { CallError } from '../transport/channel';
import { decodeStatus } from './envelope';

/** How a call ended. `neverSent` is false unless it is given. */
interface CallStatus {
  code: number;
  message: string;
  details?: AnyJson[];
  requestId?: string;
  neverSent?: boolean;
}

/** A call that the cloud refused, or that did not get through. */
export class OperationServiceError extends Error {
  override readonly name = 'OperationServiceError';
  /** A google.rpc.Code; UNAVAILABLE and DEADLINE_EXCEEDED also come from the client's side of the connection. */
  readonly code: number;
  readonly codeName: string;
  /** The cloud's own text. */
  readonly rawMessage: string;
  /** The decoded details of the trailer `grpc-status-details-bin`. */
  readonly details: AnyJson[];
  /** For the cloud's support. */
  readonly requestId?: string;
  /** Nothing has reached the cloud: there was no token, no endpoint or no connection. Otherwise it may have had its effect. */
  readonly neverSent: boolean;

  /** What `status` says is redacted: servers echo requests. */
  constructor(call: string, status: CallStatus) {
    const name = codeName(status.code);
    const message = redact(status.message);
    super(`${call}: ${statusText({ codeName: name, message })}`);
    this.code = status.code;
    this.codeName = name;
    this.rawMessage = message;
    this.details = (status.details ?? []).map(redactDetail);
    this.neverSent = status.neverSent ?? false;
    if (status.requestId !== undefined) this.requestId = redact(status.requestId);
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

/** Whether the cloud answered that it has no such operation. */
export function isNotFound(err: unknown): boolean {
  return err instanceof OperationServiceError && err.code === statusCode('NOT_FOUND');
}
