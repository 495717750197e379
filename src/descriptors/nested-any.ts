import { randomUUID } from 'crypto';
import { isMessage, type DescMessage, type JsonValue, type Message } from '@bufbuild/protobuf';
import { isReflectMessage, reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import type { RawAny } from './any-to-json';

/** Begins the type URL of what stands in for an Any; no data of a cloud can look like it. */
const MARK = randomUUID();
const PLACEHOLDER = new RegExp(`^${MARK}/(\\d+)/google\\.protobuf\\.Empty$`);
const holdsAny = new WeakMap<DescMessage, boolean>();

/** Whether a message of that type can hold an Any, at any depth. */
function canHoldAny(schema: DescMessage): boolean {
  const known = holdsAny.get(schema);
  if (known !== undefined) return known;
  const seen = new Set<DescMessage>([schema]);
  let found = schema.typeName === AnySchema.typeName;
  for (const type of seen) {
    for (const { message } of type.fields) {
      if (!message) continue;
      seen.add(message);
      found ||= message.typeName === AnySchema.typeName;
    }
  }
  holdsAny.set(schema, found);
  return found;
}

/** Takes every Any out of `message` into the returned list, and leaves an empty one with its index in its place. */
export function takeOutNestedAnys(schema: DescMessage, message: Message): RawAny[] {
  const taken: RawAny[] = [];
  if (canHoldAny(schema)) visit(reflect(schema, message), taken);
  return taken;
}

function visit(message: ReflectMessage, taken: RawAny[]): void {
  const any = message.message;
  if (isMessage(any, AnySchema)) {
    if (any.typeUrl === '') return;
    taken.push({ typeUrl: any.typeUrl, value: any.value });
    any.typeUrl = `${MARK}/${taken.length - 1}/google.protobuf.Empty`;
    any.value = new Uint8Array();
    return;
  }
  for (const field of message.fields) {
    if (!field.message || !canHoldAny(field.message) || !message.isSet(field)) continue;
    switch (field.fieldKind) {
      case 'message':
        visit(message.get(field), taken);
        break;
      case 'list':
        for (const item of message.get(field)) if (isReflectMessage(item)) visit(item, taken);
        break;
      case 'map':
        for (const item of message.get(field).values()) if (isReflectMessage(item)) visit(item, taken);
    }
  }
}

/** Puts the JSON of each Any that was taken out back into its place. */
export function putBackNestedAnys(json: JsonValue, nested: readonly JsonValue[]): JsonValue {
  if (typeof json !== 'object' || json === null) return json;
  if (!Array.isArray(json)) {
    const type = json['@type'];
    const index = typeof type === 'string' ? PLACEHOLDER.exec(type)?.[1] : undefined;
    const found = index === undefined ? undefined : nested[Number(index)];
    if (found !== undefined) return found;
  }
  // Entries rather than keys: a map key such as "__proto__" must stay an own property.
  const entries = Object.entries(json).map(([key, value]) => [key, putBackNestedAnys(value, nested)] as const);
  return Array.isArray(json) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}
