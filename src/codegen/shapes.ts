import type { DescEnum, DescField, DescMessage } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import { START_RULES, type SelectedMethod } from './select';

/**
 * The direction of a message: sent in a request, where fields may be omitted, or received in a response or metadata,
 * where fields without presence are always set. Each direction has its own TypeScript type.
 */
export type Direction = 'sent' | 'received';

/** The types that a set of methods needs, except well-known ones. */
export interface Shapes {
  enums: ReadonlySet<DescEnum>;
  /** Each message with the directions that need a type; only `sent` if both directions have the same shape. */
  messages: ReadonlyMap<DescMessage, ReadonlySet<Direction>>;
  /** Whether both directions of a message have the same shape. Depends on the message alone. */
  isAlike(message: DescMessage): boolean;
}

export function neededShapes(methods: readonly SelectedMethod[]): Shapes {
  const sent = reachable(methods.map(({ method }) => method.input));
  const received = reachable(
    methods.flatMap(({ method, start }) => (start ? [start.responseType, start.metadataType] : [method.output])),
  );
  const unlike = findUnlike(new Set([...sent.messages, ...received.messages]));
  const messages = new Map<DescMessage, Set<Direction>>();
  const add = (message: DescMessage, direction: Direction): void => {
    const shape = unlike.has(message) ? direction : 'sent';
    messages.set(message, (messages.get(message) ?? new Set()).add(shape));
  };
  for (const message of sent.messages) add(message, 'sent');
  for (const message of received.messages) add(message, 'received');
  return {
    enums: new Set([...sent.enums, ...received.enums]),
    messages,
    isAlike: (message) => !unlike.has(message),
  };
}

/** Whether the field is always set in this direction. */
export function isAlwaysThere(field: DescField, direction: Direction): boolean {
  if (field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED) return true;
  if (direction === 'received') return field.presence === FeatureSet_FieldPresence.IMPLICIT;
  // A required member of a oneof means only that some member must be set.
  return !field.oneof && START_RULES.some(({ isRequired }) => isRequired?.(field));
}

/** Whether the type has a special JSON format, which needs no declaration. */
export function isWellKnown(type: DescMessage | DescEnum): boolean {
  return type.file.proto.package === 'google.protobuf';
}

function reachable(roots: readonly (DescMessage | undefined)[]): {
  messages: Set<DescMessage>;
  enums: Set<DescEnum>;
} {
  const messages = new Set<DescMessage>();
  const enums = new Set<DescEnum>();
  for (const root of roots) if (root && !isWellKnown(root)) messages.add(root);
  for (const message of messages) {
    for (const field of message.fields) {
      if (field.message && !isWellKnown(field.message)) messages.add(field.message);
      if (field.enum && !isWellKnown(field.enum)) enums.add(field.enum);
    }
  }
  return { messages, enums };
}

/** The messages whose shape differs between directions, because of their own fields or of nested messages. */
function findUnlike(messages: ReadonlySet<DescMessage>): Set<DescMessage> {
  const unlike = new Set<DescMessage>();
  const holders = new Map<DescMessage, DescMessage[]>();
  for (const message of messages) {
    for (const field of message.fields) {
      if (isAlwaysThere(field, 'sent') !== isAlwaysThere(field, 'received')) unlike.add(message);
      if (field.message) holders.set(field.message, [...(holders.get(field.message) ?? []), message]);
    }
  }
  // The set grows during the iteration, so that indirect holders follow.
  for (const message of unlike) for (const holder of holders.get(message) ?? []) unlike.add(holder);
  return unlike;
}
