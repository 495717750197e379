import { create, type DescMethod } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { MethodOptionsSchema } from '@bufbuild/protobuf/wkt';
import { findMethod, operationMethods, READ_OPTION } from '../descriptors/operation-method';
import type { DescriptorRegistry } from '../descriptors/registry';
import { SelectionError, START_RULES } from './select';

/**
 * Chooses the method that reads the resource of a start, for an API whose operations do not contain their result.
 * `choice` is `<start>=<reader>`, such as `a.v1.Keys.Create=a.v1.Keys.Find`. The descriptors remember it, so that the
 * generated types and the workers follow. Throws a SelectionError if the reader does not fit.
 */
export function chooseReader(registry: DescriptorRegistry, choice: string): void {
  const refuse = (problem: string): never => {
    throw new SelectionError(`--read ${choice}: ${problem}`);
  };
  const [start, reader] = choice.split('=').map((name) => {
    const method = findMethod(registry, pathOf(name));
    return typeof method === 'string' ? refuse(method) : method;
  });
  if (!start || !reader) return refuse('give <start>=<reader>, such as a.v1.Keys.Create=a.v1.Keys.Find');
  remember(start, `/${reader.parent.typeName}/${reader.name}`);
  const types = operationMethods(registry, start.parent, START_RULES).find(({ method }) => method === start);
  if (!types) return refuse(`${start.name} starts no operation`);
  if (types.resource?.method !== reader) {
    refuse(
      `${reader.name} cannot read the result of ${start.name}. A reader is unary, and its request has a string field \`id\` or ` +
        'a single string field. Some APIs take a result from the operation itself, without a reader',
    );
  }
}

/** The path of a method that is given as a path or as a dotted name. */
function pathOf(name: string): string {
  return name.includes('/') ? name : name.replace(/\.(\w+)$/, '/$1');
}

function remember(start: DescMethod, path: string): void {
  const options = (start.proto.options ??= create(MethodOptionsSchema));
  const data = new BinaryWriter().string(path).finish();
  options.$unknown = [
    ...(options.$unknown ?? []).filter(({ no }) => no !== READ_OPTION),
    { no: READ_OPTION, wireType: WireType.LengthDelimited, data },
  ];
}
