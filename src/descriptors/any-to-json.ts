import type { DescMessage, JsonValue } from '@bufbuild/protobuf';
import { MessageReader, type AnyToJson, type RawAny } from './message-reader';
import type { DescriptorRegistry } from './registry';
import { Place, ValueProblems } from './value-problems';

export type { RawAny } from './message-reader';

/**
 * Canonical proto3 JSON of an Any, with the fields that have no presence always emitted. Never throws. A value without
 * canonical JSON is null, is added to `problems` with its place within `place`, and spoils nothing else. An Any that
 * cannot be read at all (no descriptor, bytes that are no message) is `{ '@type', base64, problem }`, nested ones included.
 */
export function anyToJsonAt(
  place: Place,
  any: RawAny,
  registry: DescriptorRegistry,
  problems: ValueProblems,
): AnyToJson {
  return new MessageReader(registry, problems).any(any, place);
}

/** The same where no snapshot holds the problems: the JSON itself has them as `problems`, where there are any. */
export function anyToJson(any: RawAny, registry: DescriptorRegistry): AnyToJson {
  const found = new ValueProblems();
  const json = anyToJsonAt(new Place(''), any, registry, found);
  const problems = found.list();
  return problems.length === 0 ? json : { problems, ...json };
}

/** Canonical JSON as that of an Any, without a type. Throws where the message, or a value in it, has none. */
export function bytesToJson(schema: DescMessage, value: Uint8Array, registry: DescriptorRegistry): JsonValue {
  const problems = new ValueProblems();
  const json = new MessageReader(registry, problems).message(schema, value, new Place(''));
  const [first] = problems.list();
  if (first) throw new Error([first.path, first.problem].filter((text) => text !== '').join(': '));
  return json;
}
