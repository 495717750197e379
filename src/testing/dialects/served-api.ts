import type { OperationsApi, RawOperation } from '../../apis/api';
import type { OperationMethodTypes } from '../../descriptors/operation-method';
import type { JsonObject } from '../../model/snapshot';
import type { OutgoingReply } from '../server';

/** The server's side of an operation API: how a FakeCloud reads requests and writes operations. */
export interface ServedApi {
  /** The client's side. */
  readonly api: OperationsApi;
  /** Reads the operation's id in a request of Get or Cancel. Throws for invalid bytes. */
  readonly readId: (request: Buffer) => string;
  /** Encodes the reply to Get, which {@link OperationsApi.get} decodes. */
  readonly encode: (operation: RawOperation) => OutgoingReply;
  /** Encodes the reply to a start. @default that of Get */
  readonly encodeStarted?: (operation: RawOperation, start: OperationMethodTypes) => OutgoingReply;
  /** Encodes the reply to Cancel. @default that of Get */
  readonly encodeCancelled?: (operation: RawOperation) => OutgoingReply;
  /** Returns the id of a new operation from 20 random characters and the request. @default the 20 characters */
  readonly newId?: (random: string, request: JsonObject) => string;
}

/** The methods of the API that take an operation, by path. */
export function operationVerbs({ api }: ServedApi): ReadonlyMap<string, 'Get' | 'Cancel'> {
  return new Map([[api.get.path, 'Get'], ...(api.cancel ? [[api.cancel.path, 'Cancel'] as const] : [])]);
}
