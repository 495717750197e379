import { ScalarType, type DescEnum, type DescField, type DescMessage } from '@bufbuild/protobuf';
import type { Printable } from '@bufbuild/protoplugin';
import type { SelectedMethod } from './select';
import { isWellKnown, type Direction } from './shapes';

/** How a module refers to types that it does not write out. It imports them where needed. */
export interface TypeScope {
  declared(type: DescEnum | DescMessage, direction: Direction): Printable;
  /** A type of 'temporal-lro/method'. */
  library(name: LibraryType): Printable;
}

type LibraryType = 'AnyJson' | 'Double' | 'JsonObject' | 'OperationMethod' | 'Optional' | 'UnaryMethod';

/** A message without fields. An empty interface would accept anything. */
export const NOTHING = '{ [key: string]: never }';

/** The TypeScript type of a field's canonical JSON. */
export function fieldType(field: DescField, direction: Direction, scope: TypeScope): Printable {
  const one = valueType(field, direction, scope);
  switch (field.fieldKind) {
    case 'list':
      return [one, '[]'];
    case 'map':
      // Not `Record`: a message may have that name.
      return ['{ [key: string]: ', one, ' }'];
    default:
      return one;
  }
}

/** The type of a method: its generic type and the arguments. */
export function methodType({ method, start }: SelectedMethod, scope: TypeScope): Printable {
  const request = messageType(method.input, 'sent', scope);
  const types = start
    ? [request, carriedType(start.responseType, scope), carriedType(start.metadataType, scope)]
    : [request, replyType(method.output, scope)];
  const listed = types.flatMap((type, i) => [i === 0 ? '<' : ', ', type]);
  return [scope.library(start ? 'OperationMethod' : 'UnaryMethod'), ...listed, '>'];
}

/** The type of the reply to a call, which is an object: any other JSON is its `value`. */
function replyType(message: DescMessage, scope: TypeScope): Printable {
  const type = messageType(message, 'received', scope);
  if (!isWellKnown(message) || ['Any', 'Empty', 'Struct'].includes(message.name)) return type;
  return message.name === 'Value' ? scope.library('JsonObject') : ['{ value: ', type, ' }'];
}

/** The type of a message in an Any of an operation. Pass `undefined` if the method does not declare the message. */
function carriedType(message: DescMessage | undefined, scope: TypeScope): Printable {
  if (!message) return scope.library('AnyJson');
  // An empty message has only its '@type'.
  if (message.fields.length === 0) return 'object';
  const type = messageType(message, 'received', scope);
  return isWellKnown(message) ? ['{ value: ', type, ' }'] : type;
}

/** The type of one item, if the field is a list or a map. Never a union, which would need parentheses. */
function valueType(field: DescField, direction: Direction, scope: TypeScope): Printable {
  if (field.message) return messageType(field.message, direction, scope);
  if (field.enum) return isWellKnown(field.enum) ? wellKnownEnum(field.enum) : scope.declared(field.enum, direction);
  return scalarType(field.scalar ?? ScalarType.STRING, scope);
}

function messageType(message: DescMessage, direction: Direction, scope: TypeScope): Printable {
  return isWellKnown(message) ? wellKnownType(message, scope) : scope.declared(message, direction);
}

function wellKnownEnum(type: DescEnum): string {
  return type.typeName === 'google.protobuf.NullValue' ? 'null' : 'string';
}

function wellKnownType(message: DescMessage, scope: TypeScope): Printable {
  switch (message.name) {
    case 'Any':
      return scope.library('AnyJson');
    case 'Timestamp':
    case 'Duration':
    case 'FieldMask':
    case 'StringValue':
    case 'BytesValue':
    case 'Int64Value':
    case 'UInt64Value':
      return 'string';
    case 'Int32Value':
    case 'UInt32Value':
      return 'number';
    case 'DoubleValue':
    case 'FloatValue':
      return scope.library('Double');
    case 'BoolValue':
      return 'boolean';
    case 'Empty':
      return NOTHING;
    case 'Value':
      return 'unknown';
    case 'ListValue':
      return 'unknown[]';
    // Struct, and descriptor.proto, which no cloud sends.
    default:
      return scope.library('JsonObject');
  }
}

function scalarType(scalar: ScalarType, scope: TypeScope): Printable {
  switch (scalar) {
    case ScalarType.BOOL:
      return 'boolean';
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return scope.library('Double');
    case ScalarType.INT32:
    case ScalarType.UINT32:
    case ScalarType.SINT32:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return 'number';
    // Strings, bytes in base64, and 64-bit integers.
    default:
      return 'string';
  }
}
