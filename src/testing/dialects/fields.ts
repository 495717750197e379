import type { RawStatus } from '../../apis/api';
import type { RawAny } from '../../descriptors/any-to-json';
import { fieldsOf } from '../../model/check';

// Fields of messages as the encoder of proto-loader takes them, whose names are those of the .proto files.

export function anyFields({ typeUrl, value }: RawAny): object {
  return { type_url: typeUrl, value };
}

export function statusFields({ code, message, details }: RawStatus): object {
  return { code, message, details: details.map(anyFields) };
}

/** A string in a decoded message; empty if the field is not a string. */
export function textOf(message: object, field: string): string {
  const value = fieldsOf(message)[field];
  return typeof value === 'string' ? value : '';
}
