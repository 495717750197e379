import { isUtf8 } from 'buffer';
import { WireType } from '@bufbuild/protobuf/wire';
import type { Place } from '../descriptors/value-problems';
import { WireRecords } from '../descriptors/wire-records';
import type { BrokenText } from './api';
import { ENVELOPE_SCHEMA } from './envelope-schema';

/** The bytes are a message of another type. */
export class WrongTypeError extends Error {
  override readonly name = 'WrongTypeError';
}

/**
 * Finds what proto-loader's decoder does not report about a message of proto/. Adds strings that are not UTF-8, which
 * the decoder reads with U+FFFD, to `broken`, with the paths that `placeOf` gives the fields. Returns for each oneof the
 * field that comes last on the wire and therefore counts. Throws a WrongTypeError if a field has another wire type than
 * in the schema.
 */
export function scanMessage(
  typeName: string,
  bytes: Uint8Array,
  broken: BrokenText[],
  placeOf: (field: string) => Place,
): Map<string, string> {
  const schema = schemaOf(typeName);
  const found: { field: FieldSchema; content: Uint8Array }[] = [];
  const last = new Map<string, string>();
  const records = new WireRecords(bytes);
  while (records.next()) {
    const field = schema.get(records.number);
    if (!field) continue;
    if (records.wireType !== field.wireType && !(field.isRepeated && records.wireType === WireType.LengthDelimited)) {
      throw new WrongTypeError(`its field ${records.number} is no ${field.type}, as in a ${typeName}`);
    }
    found.push({ field, content: records.content() });
    if (field.oneof !== undefined) last.set(field.oneof, field.name);
  }
  const counts = new Map<FieldSchema, number>();
  for (const { field, content } of found) {
    if (field.oneof !== undefined && last.get(field.oneof) !== field.name) continue;
    const n = counts.get(field) ?? 0;
    counts.set(field, n + 1);
    const place = field.isRepeated ? placeOf(field.name).at(n) : placeOf(field.name);
    if (field.type === 'string' && !isUtf8(content)) broken.push({ place, bytes: content });
    if (field.isMessage) scanMessage(field.type, content, broken, (name) => place.at(name));
  }
  return last;
}

interface FieldSchema {
  name: string;
  /** A scalar type, or the full name of a message or an enum. */
  type: string;
  isMessage: boolean;
  isRepeated: boolean;
  wireType: WireType;
  oneof?: string;
}

const { Varint, LengthDelimited } = WireType;

const schemas = new Map<string, ReadonlyMap<number, FieldSchema>>();

/** The fields of a message by number. */
function schemaOf(typeName: string): ReadonlyMap<number, FieldSchema> {
  let schema = schemas.get(typeName);
  if (!schema) {
    schema = readSchema(typeName);
    schemas.set(typeName, schema);
  }
  return schema;
}

function readSchema(typeName: string): ReadonlyMap<number, FieldSchema> {
  const { fields = {}, oneofs = {} } = nodeAt(typeName) ?? {};
  return new Map(
    Object.entries(fields).map(([name, { id, type, rule }]) => {
      const [oneof] = Object.entries(oneofs).find(([, members]) => members.oneof.includes(name)) ?? [];
      const resolved = resolve(typeName, type);
      const isMessage = nodeAt(resolved)?.fields !== undefined;
      const isDelimited = isMessage || type === 'string' || type === 'bytes';
      const field = {
        name: name === 'type_url' ? '@type' : name,
        type: resolved,
        isMessage,
        isRepeated: rule === 'repeated',
        wireType: isDelimited ? LengthDelimited : Varint,
        ...(oneof !== undefined && { oneof }),
      };
      return [id, field];
    }),
  );
}

/** The oneofs of a message, with the names of their fields. */
export function oneofsOf(typeName: string): [name: string, fields: string[]][] {
  return Object.entries(nodeAt(typeName)?.oneofs ?? {}).map(([name, { oneof }]) => [name, oneof]);
}

/** A part of the schema, as protobufjs writes it. */
interface Node {
  nested?: Record<string, Node>;
  fields?: Record<string, { id: number; type: string; rule?: string }>;
  oneofs?: Record<string, { oneof: string[] }>;
  methods?: object;
  values?: object;
}

function nodeAt(fullName: string): Node | undefined {
  const root: Node = ENVELOPE_SCHEMA;
  return fullName.split('.').reduce<Node | undefined>((node, name) => node?.nested?.[name], root);
}

/** The full name of a type, found from the innermost scope outwards; a scalar type is its own name. */
function resolve(scope: string, type: string): string {
  for (let outer = scope; outer !== ''; outer = outer.slice(0, Math.max(0, outer.lastIndexOf('.')))) {
    if (nodeAt(`${outer}.${type}`)) return `${outer}.${type}`;
  }
  return type;
}
