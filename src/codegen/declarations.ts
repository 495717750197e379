import type { DescEnum, DescField, DescMessage } from '@bufbuild/protobuf';
import type { Comments } from './comments';
import { carriedType, fieldType, requestType, type TypeScope } from './json-types';
import { bracketed, docComment, fit, INDENT, propertyName, quoted, union } from './layout';
import type { ServiceMethods } from './select';
import { isAlwaysThere, type Direction } from './shapes';

/** The names of an enum's values; their comments stand in the one of the type, where an editor shows them. */
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

/** The canonical JSON of a message. */
export function messageDeclaration(
  message: DescMessage,
  direction: Direction,
  name: string,
  scope: TypeScope,
  comments: Comments,
): string[] {
  const comment = docComment(comments.of(message));
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

function fieldDeclaration(field: DescField, direction: Direction, scope: TypeScope): string[] {
  const type = fieldType(field, direction, scope);
  const name = propertyName(field.jsonName);
  if (isAlwaysThere(field, direction)) return union(`${name}:`, [type], INDENT);
  // What is built of optional parts has `undefined` members, which exactOptionalPropertyTypes would refuse.
  return union(`${name}?:`, direction === 'received' || type === 'unknown' ? [type] : [type, 'undefined'], INDENT);
}

/** The method constants of a service. They are typed by a declaration, so that no cast is needed. */
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
    ...methods.flatMap(({ method, responseType, metadataType }) => [
      ...docComment(comments.of(method), INDENT),
      ...bracketed(
        `readonly ${propertyName(method.localName)}: ${operationMethod}`,
        ['<', '>'],
        [requestType(method.input, scope), carriedType(responseType, scope), carriedType(metadataType, scope)],
        ';',
        { indent: INDENT, trailingComma: false, spaced: false },
      ),
    ]),
    '} = {',
    ...methods.flatMap(({ method, path }) => {
      const key = INDENT + propertyName(method.localName);
      return fit(`${key}: { path: ${quoted(path)} },`, [
        `${key}: {`,
        `${INDENT}${INDENT}path: ${quoted(path)},`,
        `${INDENT}},`,
      ]);
    }),
    '};',
  ];
}
