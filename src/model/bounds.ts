import type { AnyJson, JsonObject, OperationSnapshot, OperationStatus } from './snapshot';

/**
 * The only place that bounds what activities return. Temporal refuses payloads over 2 MB and reports over 4 MB and
 * silently drops large failures, and payload codecs enlarge everything.
 */

/** The maximum JSON size of a request, and of a response. */
export const MAXIMUM_PAYLOAD_BYTES = 1_500_000;
/** The maximum JSON size of a failure's details, and of a snapshot without its response. */
export const MAXIMUM_FAILURE_BYTES = 256_000;
/** The maximum size each of the metadata, the error and its details. */
const MAXIMUM_PART_BYTES = MAXIMUM_FAILURE_BYTES / 4;
/** The maximum length of one text from the cloud, in characters. */
const MAXIMUM_TEXT_LENGTH = 4_000;
const MAXIMUM_DETAILS = 100;
/** Fields up to this size are kept when the whole message is too large: one may be the id of a resource. */
const MAXIMUM_KEPT_FIELD_BYTES = 1_000;
const MAXIMUM_KEPT_FIELDS = 20;

/** The size of a text as UTF-8. */
export function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

export function jsonBytes(value: unknown): number {
  return utf8Bytes(JSON.stringify(value) ?? '');
}

/** Truncates a text from the cloud without splitting a character. */
export function boundText(text: string): string {
  return text.length > MAXIMUM_TEXT_LENGTH
    ? `${text.slice(0, MAXIMUM_TEXT_LENGTH).replace(/[\ud800-\udbff]$/, '')}…`
    : text;
}

/** Bounds a status: truncates the message, keeps 100 details, and replaces details that are too large by a stand-in. */
export function boundStatus(status: OperationStatus): OperationStatus {
  const { message, details } = status;
  const kept = details.slice(0, MAXIMUM_DETAILS);
  let left = MAXIMUM_PART_BYTES;
  const bounded = kept.map((detail) => {
    const size = jsonBytes(detail);
    left -= size;
    return left < 0 ? standIn(detail, size) : detail;
  });
  const omitted = details.length - kept.length;
  if (omitted > 0) bounded.push({ '@type': OMITTED_TYPE, problem: `left out: ${omitted} more details` });
  return { ...status, message: boundText(message), details: bounded };
}

const OMITTED_TYPE = 'type.googleapis.com/google.protobuf.Empty';

/** The stand-in for a message that is too large: its type, its size and its short fields, such as a resource id. */
function standIn(any: AnyJson, size: number): AnyJson {
  const short = Object.entries(any)
    .filter(([, value]) => jsonBytes(value) <= MAXIMUM_KEPT_FIELD_BYTES)
    .slice(0, MAXIMUM_KEPT_FIELDS);
  const type = boundText(any['@type']);
  return {
    ...Object.fromEntries(short),
    '@type': type,
    problem: `left out: ${size} bytes of JSON are too many to carry`,
  };
}

/**
 * Bounds the texts, metadata and error of a snapshot. Leaves the response alone: its limit is
 * {@link MAXIMUM_PAYLOAD_BYTES}, and a caller must not mistake a stand-in for it.
 */
export function boundSnapshot(operation: OperationSnapshot): OperationSnapshot {
  const { description, createdBy, metadata, problems } = operation;
  const size = metadata && jsonBytes(metadata);
  const bounded = {
    ...operation,
    ...(description !== undefined && { description: boundText(description) }),
    ...(createdBy !== undefined && { createdBy: boundText(createdBy) }),
    ...(metadata && size !== undefined && size > MAXIMUM_PART_BYTES && { metadata: standIn(metadata, size) }),
    ...(problems && { problems: boundProblems(problems) }),
  };
  switch (bounded.state) {
    case 'running':
    case 'succeeded':
      return bounded;
    case 'rollingBack':
    case 'failed':
      return { ...bounded, error: boundStatus(bounded.error) };
  }
}

function boundProblems(problems: Problems): Problems {
  const kept = problems.slice(0, MAXIMUM_DETAILS);
  const bounded = kept.map(({ path, problem, base64 }) => ({
    path: boundText(path),
    problem: boundText(problem),
    base64: base64.slice(0, MAXIMUM_KEPT_FIELD_BYTES),
  }));
  return jsonBytes(kept) <= MAXIMUM_PART_BYTES ? kept : bounded.slice(0, MAXIMUM_KEPT_FIELDS);
}

type Problems = NonNullable<OperationSnapshot['problems']>;

/** Bounds a reply that is only shown: of a large one, its short fields stay. */
export function boundReply(reply: JsonObject): JsonObject {
  const size = jsonBytes(reply);
  if (size <= MAXIMUM_PART_BYTES) return reply;
  const { '@type': type, ...short } = standIn({ '@type': '', ...reply }, size);
  return type === '' ? short : { ...short, '@type': type };
}

/** Bounds a snapshot for the details of a failure, and replaces a large response by a stand-in. */
export function boundForFailure(operation: OperationSnapshot): OperationSnapshot {
  const bounded = boundSnapshot(operation);
  if (bounded.state !== 'succeeded') return bounded;
  const size = jsonBytes(bounded.response);
  return size > MAXIMUM_PART_BYTES ? { ...bounded, response: standIn(bounded.response, size) } : bounded;
}
