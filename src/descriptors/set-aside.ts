import { randomUUID } from 'crypto';
import { create, isMessage, toJson, type DescMessage, type JsonValue, type Message } from '@bufbuild/protobuf';
import { isReflectMessage, reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect';
import { AnySchema, FieldMaskSchema } from '@bufbuild/protobuf/wkt';
import type { RawAny } from './any-to-json';

/** What a message holds that its canonical JSON would fail of: Anys without a descriptor, paths that cannot be camel case. */
export type SetAside = { any: RawAny } | { paths: string[] };

/** Begins the type URL of what stands in for an Any, and the path that stands in for those of a FieldMask; no data of a cloud can look like it. */
const MARK = `x${randomUUID().replaceAll('-', '')}`;
const ANY = new RegExp(`^${MARK}/(\\d+)/google\\.protobuf\\.Empty$`);
const MASK = new RegExp(`^${MARK}(\\d+)$`);
const KINDS = new Set<string>([AnySchema.typeName, FieldMaskSchema.typeName]);
const holding = new WeakMap<DescMessage, boolean>();

/** Whether a message of that type can hold an Any or a FieldMask, at any depth. */
function canHold(schema: DescMessage): boolean {
  const known = holding.get(schema);
  if (known !== undefined) return known;
  const seen = new Set<DescMessage>([schema]);
  let found = KINDS.has(schema.typeName);
  for (const type of seen) {
    for (const { message } of type.fields) {
      if (!message) continue;
      seen.add(message);
      found ||= KINDS.has(message.typeName);
    }
  }
  holding.set(schema, found);
  return found;
}

/** Takes it out of `message` into the returned list, and leaves something with its index in its place. */
export function setAside(schema: DescMessage, message: Message): SetAside[] {
  const taken: SetAside[] = [];
  if (canHold(schema)) visit(reflect(schema, message), taken);
  return taken;
}

function visit(message: ReflectMessage, taken: SetAside[]): void {
  const found = message.message;
  if (isMessage(found, AnySchema)) {
    if (found.typeUrl === '') return;
    taken.push({ any: { typeUrl: found.typeUrl, value: found.value } });
    found.typeUrl = `${MARK}/${taken.length - 1}/google.protobuf.Empty`;
    found.value = new Uint8Array();
    return;
  }
  if (isMessage(found, FieldMaskSchema)) {
    taken.push({ paths: found.paths });
    found.paths = [`${MARK}${taken.length - 1}`];
    return;
  }
  for (const field of message.fields) {
    if (!field.message || !canHold(field.message) || !message.isSet(field)) continue;
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

/** The canonical JSON of a FieldMask, with the proto names of the paths that it cannot write, such as `mongodb_5_0`. */
export function pathsToJson(paths: readonly string[]): string {
  return paths.map(pathToJson).join();
}

function pathToJson(path: string): string {
  try {
    return String(toJson(FieldMaskSchema, create(FieldMaskSchema, { paths: [path] })));
  } catch {
    return path;
  }
}

/** Puts the JSON of each that was set aside back into its place. */
export function putBack(json: JsonValue, taken: readonly JsonValue[]): JsonValue {
  if (typeof json === 'string') return taken[Number(MASK.exec(json)?.[1])] ?? json;
  if (typeof json !== 'object' || json === null) return json;
  if (!Array.isArray(json)) {
    const type = json['@type'];
    const index = typeof type === 'string' ? ANY.exec(type)?.[1] : undefined;
    const found = index === undefined ? undefined : taken[Number(index)];
    if (found !== undefined) return found;
  }
  // Entries rather than keys: a map key such as "__proto__" must stay an own property.
  const entries = Object.entries(json).map(([key, value]) => [key, putBack(value, taken)] as const);
  return Array.isArray(json) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}
