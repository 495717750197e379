import type { DescEnum, DescField, DescMessage, DescMethod, DescService } from '@bufbuild/protobuf';
import { getComments, type GeneratedFile, type Printable } from '@bufbuild/protoplugin';
import { fieldType, methodType, NOTHING, type TypeScope } from './json-types';
import type { SelectedMethod, ServiceMethods } from './select';
import { isAlwaysThere, isWellKnown, type Direction, type Shapes } from './shapes';

const INDENT = '  ';

/**
 * The union of an enum's value names. The comments of the values are in the type's comment, where editors show them.
 */
export function printEnum(file: GeneratedFile, type: DescEnum, name: string): void {
  const values = type.values.flatMap((value) => {
    const comment = commentOf(value).replaceAll('\n', ' ');
    return comment === '' ? [] : [`- \`${value.name}\`: ${comment}`];
  });
  printComment(file, [commentOf(type), ...(values.length > 0 ? ['', ...values] : [])].join('\n').trim());
  const union = type.values.flatMap((value, i) => [i === 0 ? '' : ' | ', file.string(value.name)]);
  file.print(file.export('type', name), ' = ', union, ';');
  file.print();
}

/** The canonical JSON of a message. `copies` is its received type, if the sent type only makes its fields optional. */
export function printMessage(
  file: GeneratedFile,
  message: DescMessage,
  direction: Direction,
  name: string,
  scope: TypeScope,
  copies?: string,
): void {
  printComment(file, commentOf(message));
  if (direction === 'sent' && copies !== undefined) {
    file.print(file.export('type', name), ' = ', scope.library('Optional'), '<', copies, '>;');
  } else if (message.fields.length === 0) {
    file.print(file.export('type', name), ` = ${NOTHING};`);
  } else {
    file.print(file.export('interface', name), ' {');
    for (const field of message.fields) {
      printComment(file, commentOf(field), INDENT);
      file.print(INDENT, fieldDeclaration(field, direction, scope));
    }
    file.print('}');
  }
  file.print();
}

/** Whether the sent type only makes fields of the received type optional, so that it need not be written out. */
export function isOptionalCopy(message: DescMessage, shapes: Shapes): boolean {
  return message.fields.every(
    (field) =>
      !isAlwaysThere(field, 'sent') && (!field.message || isWellKnown(field.message) || shapes.isAlike(field.message)),
  );
}

function fieldDeclaration(field: DescField, direction: Direction, scope: TypeScope): Printable {
  const type = fieldType(field, direction, scope);
  const name = propertyName(field.jsonName);
  if (isAlwaysThere(field, direction)) return [name, ': ', type, ';'];
  // Callers often pass `undefined` for optional fields, which exactOptionalPropertyTypes would reject.
  return [name, '?: ', type, direction === 'received' || type === 'unknown' ? ';' : ' | undefined;'];
}

/** The typed constant of a service. A declaration types it, so that no cast is needed. */
export function printService(
  file: GeneratedFile,
  target: 'ts' | 'dts',
  { service, methods }: ServiceMethods,
  name: string,
  scope: TypeScope,
): void {
  printComment(file, commentOf(service));
  file.print(file.export(target === 'ts' ? 'const' : 'declare const', name), ': {');
  for (const method of methods) {
    printComment(file, commentOf(method.method), INDENT);
    file.print(INDENT, 'readonly ', propertyName(method.property), ': ', methodType(method, scope), ';');
  }
  if (target === 'ts') {
    file.print('} = {');
    printPaths(file, methods);
  }
  file.print('};');
  file.print();
}

/** The constant of a service in JavaScript. */
export function printConstant(file: GeneratedFile, { methods }: ServiceMethods, name: string): void {
  file.print(file.export('const', name), ' = {');
  printPaths(file, methods);
  file.print('};');
  file.print();
}

function printPaths(file: GeneratedFile, methods: readonly SelectedMethod[]): void {
  for (const { property, path } of methods) {
    file.print(INDENT, propertyName(property), ': { path: ', file.string(path), ' },');
  }
}

type Commented = DescEnum | DescEnum['values'][number] | DescField | DescMessage | DescMethod | DescService;

/** The comment in the .proto above a declaration, else after it. Empty if the set has no source info. */
function commentOf(desc: Commented): string {
  const { leading, trailing } = getComments(desc);
  // In the source, a space follows `//` and `*`.
  const text = (leading || trailing || '').replace(/^ /gm, '').trim();
  return [...(text === '' ? [] : [text]), ...(desc.deprecated ? ['@deprecated'] : [])].join('\n\n');
}

function printComment(file: GeneratedFile, text: string, indent = ''): void {
  if (text !== '') file.print(file.jsDoc(text, indent));
}

/** A JSON name is any text, and is quoted if it is not an identifier. */
function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}
