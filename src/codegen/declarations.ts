import { ScalarType, type DescEnum, type DescField, type DescMessage } from '@bufbuild/protobuf';
import type { Comments } from './comments';
import { bracketed, docComment, fit, INDENT, propertyName, quoted, union } from './layout';
import type { ServiceMethods } from './select';
import { isAlwaysThere, isWellKnown, type Direction } from './shapes';

/** The module in which a type is written: gives the local names of other types. */
export interface TypeScope {
  declared(type: DescEnum | DescMessage, direction: Direction): string;
  /** A type of 'temporal-lro/method'. */
  library(name: LibraryType): string;
  /** `{ [K in keyof T]?: T[K] | undefined }` for a type with this local name. */
  optional(type: string): string;
  /** A double or float: `number | 'NaN' | 'Infinity' | '-Infinity'`. */
  double(): string;
}

export type LibraryType = 'AnyJson' | 'JsonObject' | 'OperationMethod';

/**
 * The union of an enum's value names. The comments of the values are in the type's comment, where editors show them.
 */
export function enumDeclaration(type: DescEnum, name: string, comments: Comments): string[] {
  const values = type.values.flatMap((value) => {
    const comment = comments.of(value).replaceAll('\n', ' ');
    return comment === '' ? [] : [`- \`${value.name}\`: ${comment}`];
  });
  return [
    ...docComment([comments.of(type), ...(values.length > 0 ? ['', ...values] : [])].join('\n')),
    ...union(
      `export type ${name} =`,
      type.values.map((value) => quoted(value.name)),
    ),
  ];
}

/** The canonical JSON of a message. `copies` is its received type, if the sent type only makes its fields optional. */
export function messageDeclaration(
  message: DescMessage,
  direction: Direction,
  name: string,
  scope: TypeScope,
  comments: Comments,
  copies?: string,
): string[] {
  const comment = docComment(comments.of(message));
  if (direction === 'sent' && copies !== undefined) {
    return [...comment, ...union(`export type ${name} =`, [scope.optional(copies)])];
  }
  // An empty interface would accept anything.
  if (message.fields.length === 0) return [...comment, `export type ${name} = { [key: string]: never };`];
  return [
    ...comment,
    `export interface ${name} {`,
    ...message.fields.flatMap((field) => [
      ...docComment(comments.of(field), INDENT),
      ...fieldDeclaration(field, direction, scope),
    ]),
    '}',
  ];
}

/** Whether the sent type only makes fields of the received type optional, so that it need not be written out. */
export function isOptionalCopy(message: DescMessage, scope: TypeScope): boolean {
  return message.fields.every(
    (field) => !isAlwaysThere(field, 'sent') && fieldType(field, 'sent', scope) === fieldType(field, 'received', scope),
  );
}

function fieldDeclaration(field: DescField, direction: Direction, scope: TypeScope): string[] {
  const type = fieldType(field, direction, scope);
  const name = propertyName(field.jsonName);
  if (isAlwaysThere(field, direction)) return union(`${name}:`, [type], INDENT);
  // Callers often pass `undefined` for optional fields, which exactOptionalPropertyTypes would reject.
  return union(`${name}?:`, direction === 'received' || type === 'unknown' ? [type] : [type, 'undefined'], INDENT);
}

/** The method constants of a service. A declaration types them, so that no cast is needed. */
export function serviceDeclaration(
  { service, methods }: ServiceMethods,
  name: string,
  scope: TypeScope,
  comments: Comments,
): string[] {
  const operationMethod = scope.library('OperationMethod');
  return [
    ...docComment(comments.of(service)),
    `export const ${name}: {`,
    ...methods.flatMap(({ method, property, responseType, metadataType }) => [
      ...docComment(comments.of(method), INDENT),
      ...bracketed(
        `readonly ${propertyName(property)}: ${operationMethod}`,
        ['<', '>'],
        [requestType(method.input, scope), carriedType(responseType, scope), carriedType(metadataType, scope)],
        ';',
        { indent: INDENT, trailingComma: false, spaced: false },
      ),
    ]),
    '} = {',
    ...methods.flatMap(({ property, path }) => {
      const key = INDENT + propertyName(property);
      return fit(`${key}: { path: ${quoted(path)} },`, [
        `${key}: {`,
        `${INDENT}${INDENT}path: ${quoted(path)},`,
        `${INDENT}},`,
      ]);
    }),
    '};',
  ];
}

const NOTHING = '{ [key: string]: never }';

/** The TypeScript type of a field's canonical JSON. */
function fieldType(field: DescField, direction: Direction, scope: TypeScope): string {
  const one = valueType(field, direction, scope);
  switch (field.fieldKind) {
    case 'list':
      return `${one}[]`;
    case 'map':
      // Not `Record`: a message may have that name.
      return `{ [key: string]: ${one} }`;
    default:
      return one;
  }
}

/** The type of a request message. */
function requestType(message: DescMessage, scope: TypeScope): string {
  return messageType(message, 'sent', scope);
}

/** The type of a message in an Any of an operation. Pass `undefined` if the method does not declare the message. */
function carriedType(message: DescMessage | undefined, scope: TypeScope): string {
  if (!message) return scope.library('AnyJson');
  // An empty message has only its '@type'.
  if (message.fields.length === 0) return 'object';
  if (!isWellKnown(message)) return messageType(message, 'received', scope);
  return `{ value: ${messageType(message, 'received', scope)} }`;
}

/** The type of one item, if the field is a list or a map. Never a union, which would need parentheses. */
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
    // Struct, and descriptor.proto, which no cloud sends.
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
    // Strings, bytes in base64, and 64-bit integers.
    default:
      return 'string';
  }
}
