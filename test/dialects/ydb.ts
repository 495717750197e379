import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { OperationsApi } from 'temporal-lro';

const SERVICE = 'Ydb.Operation.V1.OperationService';

export const ydbApi: OperationsApi = {
  name: 'ydb',
  get: { path: `/${SERVICE}/GetOperation`, encode, decode },
  // Its reply has no operation: a poll follows.
  cancel: { path: `/${SERVICE}/CancelOperation`, encode },
  // A method starts an operation if its reply has an Operation in a field.
  starts: { operations: ['Ydb.Operations.Operation'], inField: true, except: [SERVICE] },
  decodeStarted: decode,
  // YDB has nothing by which it would recognise a repeated start.
  mark: () => undefined,
};

function encode(operationId: string): Uint8Array {
  return new BinaryWriter().tag(1, WireType.LengthDelimited).string(operationId).finish();
}

/** Field 1 of each reply is the operation: id = 1, ready = 2, status = 3, issues = 4, result = 5, metadata = 6. */
function decode({ body }: { body: Uint8Array }): ReturnType<OperationsApi['get']['decode']> {
  const operation = read(read(body).bytes(1));
  const [metadata, result, status] = [operation.any(6), operation.any(5), operation.number(3)];
  const isFailed = operation.number(2) === 1 && status !== 400_000; // SUCCESS
  const message = `status ${status}: ${read(operation.bytes(4)).text(2)}`;
  return {
    id: operation.text(1),
    done: operation.number(2) === 1,
    ...(metadata && { metadata }),
    ...(isFailed ? { error: { code: 2, message, details: [] } } : result && { response: result }),
  };
}

interface Message {
  number(field: number): number;
  bytes(field: number): Uint8Array;
  text(field: number): string;
  any(field: number): { typeUrl: string; value: Uint8Array } | undefined;
}

function read(message: Uint8Array): Message {
  const numbers = new Map<number, number>();
  const parts = new Map<number, Uint8Array>();
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type === WireType.LengthDelimited) parts.set(field, reader.bytes());
    else if (type === WireType.Varint) numbers.set(field, reader.uint32());
    else reader.skip(type, field);
  }
  const bytes = (field: number): Uint8Array => parts.get(field) ?? new Uint8Array();
  const text = (field: number): string => new TextDecoder().decode(bytes(field));
  const any: Message['any'] = (field) =>
    parts.has(field) ? { typeUrl: read(bytes(field)).text(1), value: read(bytes(field)).bytes(2) } : undefined;
  return { bytes, text, any, number: (field) => numbers.get(field) ?? 0 };
}
