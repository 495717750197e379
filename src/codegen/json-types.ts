import { ScalarType, type DescEnum, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { isWellKnown, type Direction } from './shapes';

/** Where a type is written: it says what other types are called there. */
export interface TypeScope {
  declared(type: DescEnum | DescMessage, direction: Direction): string;
  /** A type of 'temporal-lro/workflow'. */
  library(name: LibraryType): string;
  /** A double or float: `number | 'NaN' | 'Infinity' | '-Infinity'`. */
  double(): string;
}

export type LibraryType = 'AnyJson' | 'JsonObject' | 'OperationMethod';

const NOTHING = '{ [key: string]: never }';

/** The TypeScript type of a field's canonical JSON. */
export function fieldType(field: DescField, direction: Direction, scope: TypeScope): string {
  const one = valueType(field, direction, scope);
  switch (field.fieldKind) {
    case 'list':
      return `${one}[]`;
    case 'map':
      // Not Record: a message may have that name.
      return `{ [key: string]: ${one} }`;
    default:
      return one;
  }
}

/** The type of a request, which is a message of its own. */
export function requestType(message: DescMessage, scope: TypeScope): string {
  return messageType(message, 'sent', scope);
}

/** The type of what an operation carries in an Any; `undefined` where its method does not say what that is. */
export function carriedType(message: DescMessage | undefined, scope: TypeScope): string {
  if (!message) return scope.library('AnyJson');
  // It has its '@type', and nothing else.
  if (message.fields.length === 0) return 'object';
  if (!isWellKnown(message)) return messageType(message, 'received', scope);
  return `{ value: ${messageType(message, 'received', scope)} }`;
}

/** Of one item, where the field is a list or a map. Never a union, which would need parentheses. */
function valueType(field: DescField, direction: Direction, scope: TypeScope): string {
  if (field.message) return messageType(field.message, direction, scope);
  if (field.enum) return isWellKnown(field.enum) ? wellKnownEnum(field.enum) : scope.declared(field.enum, direction);
  return scalarType(field.scalar ?? ScalarType.STRING, scope);
}

function messageType(message: DescMessage, direction: Direction, scope: TypeScope): string {
  return isWellKnown(message) ? wellKnownType(message, scope) : scope.declared(message, direction);
}

function wellKnownEnum(type: DescEnum): string {
  return type.typeName === 'google.protobuf.NullValue' ? 'null' : 'string';
}

function wellKnownType(message: DescMessage, scope: TypeScope): string {
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
      return scope.double();
    case 'BoolValue':
      return 'boolean';
    case 'Empty':
      return NOTHING;
    case 'Value':
      return 'unknown';
    case 'ListValue':
      return 'unknown[]';
    // Struct, and what no cloud sends: the descriptors of descriptors.
    default:
      return scope.library('JsonObject');
  }
}

function scalarType(scalar: ScalarType, scope: TypeScope): string {
  switch (scalar) {
    case ScalarType.BOOL:
      return 'boolean';
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return scope.double();
    case ScalarType.INT32:
    case ScalarType.UINT32:
    case ScalarType.SINT32:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return 'number';
    // Text, bytes in base64, and what has 64 bits.
    default:
      return 'string';
  }
}
