import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { anyToJson } from '../descriptors/any-to-json';
import type { DescriptorRegistry } from '../descriptors/registry';
import type { AnyJson } from '../model/snapshot';
import { codeName, statusCode } from '../model/status-code';
import { statusText } from '../model/texts';
import { decodeStatus } from './envelope';

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

  constructor(call: string, status: { code: number; message: string; details?: AnyJson[]; requestId?: string }) {
    const name = codeName(status.code);
    super(`${call}: ${statusText({ codeName: name, message: status.message })}`);
    this.code = status.code;
    this.codeName = name;
    this.rawMessage = status.message;
    this.details = status.details ?? [];
    if (status.requestId !== undefined) this.requestId = status.requestId;
  }

  /** From an error of grpc-js. `headers` are the reply's, which may name the request where the trailers do not. */
  static from(
    call: string,
    err: ServiceError,
    headers: Metadata | undefined,
    registry: DescriptorRegistry,
  ): OperationServiceError {
    // On a reply of trailers only the event "metadata" does not fire, and err.metadata holds everything.
    const trailers = err.metadata instanceof Metadata ? err.metadata : undefined;
    const raw = trailers?.get('grpc-status-details-bin')[0];
    const status = Buffer.isBuffer(raw) ? decodeStatus(raw) : undefined;
    const requestId = requestIdOf(headers) ?? requestIdOf(trailers);
    return new OperationServiceError(call, {
      code: err.code ?? statusCode('UNKNOWN'),
      message: err.details ?? err.message,
      details: status?.details.map((detail) => anyToJson(detail, registry)) ?? [],
      ...(requestId === undefined ? {} : { requestId }),
    });
  }
}

function requestIdOf(metadata: Metadata | undefined): string | undefined {
  const value = metadata?.get('x-request-id')[0];
  return value === undefined ? undefined : String(value);
}

/** Whether the cloud answered that it has no such operation. */
export function isNotFound(err: unknown): boolean {
  return err instanceof OperationServiceError && err.code === statusCode('NOT_FOUND');
}
