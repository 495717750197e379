import type { DescMessage, JsonValue } from '@bufbuild/protobuf';
import { MessageReader, type AnyToJson, type RawAny } from './message-reader';
import type { DescriptorRegistry } from './registry';
import { Place, ValueProblems } from './value-problems';

export type { RawAny } from './message-reader';

/**
 * Canonical proto3 JSON of an Any. Always emits fields without presence. Never throws. A value that canonical JSON
 * cannot express becomes null and is added to `problems` with its path below `place`; other values are not affected. An
 * Any that cannot be decoded (no descriptor, invalid bytes) becomes `{ '@type', base64, problem }`, also if nested.
 */
export function anyToJsonAt(
  place: Place,
  any: RawAny,
  registry: DescriptorRegistry,
  problems: ValueProblems,
): AnyToJson {
  return new MessageReader(registry, problems).any(any, place);
}

/** Like {@link anyToJsonAt}, but outside a snapshot: the problems, if any, are in the JSON as `problems`. */
export function anyToJson(any: RawAny, registry: DescriptorRegistry): AnyToJson {
  const found = new ValueProblems();
  const json = anyToJsonAt(new Place(''), any, registry, found);
  const problems = found.list();
  return problems.length === 0 ? json : { problems, ...json };
}

/** Canonical JSON of a message, without `@type`. Throws if the message or a value in it cannot be expressed. */
export function bytesToJson(schema: DescMessage, value: Uint8Array, registry: DescriptorRegistry): JsonValue {
  const problems = new ValueProblems();
  const json = new MessageReader(registry, problems).message(schema, value, new Place(''));
  const [first] = problems.list();
  if (first) throw new Error([first.path, first.problem].filter((text) => text !== '').join(': '));
  return json;
}
