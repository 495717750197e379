import type { AnyJson, OperationSnapshot, OperationStatus } from './snapshot';

/**
 * The one place that bounds what leaves an activity, whichever field of a reply it came from. Temporal refuses payloads
 * over 2 MB and reports over 4 MB, drops large failures silently, and codecs make everything larger.
 */

/** Of the JSON of a response. */
export const MAXIMUM_RESPONSE_BYTES = 1_500_000;
/** Of the JSON of a failure's details, and of a snapshot without its response. */
export const MAXIMUM_FAILURE_BYTES = 256_000;
/** Of the metadata, of the error and of its details, each. */
const MAXIMUM_PART_BYTES = MAXIMUM_FAILURE_BYTES / 4;
/** Of one text of the cloud, in characters. */
const MAXIMUM_TEXT_LENGTH = 4_000;
const MAXIMUM_DETAILS = 100;
/** A field of metadata that is at most this large is kept when the whole is too large: it may be a resource's ID. */
const MAXIMUM_KEPT_FIELD_BYTES = 1_000;
const MAXIMUM_KEPT_FIELDS = 20;

export function jsonBytes(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value) ?? '').length;
}

/** A text of the cloud, truncated without splitting a character. */
export function boundText(text: string): string {
  return text.length > MAXIMUM_TEXT_LENGTH
    ? `${text.slice(0, MAXIMUM_TEXT_LENGTH).replace(/[\ud800-\udbff]$/, '')}…`
    : text;
}

/** A status with a truncated message, at most 100 details, and a stand-in for each detail that is too large. */
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

/** What stands in for a message that is too large: its type, its size and its short fields, such as a resource's ID. */
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
 * The snapshot with bounded texts, metadata and error. A response is left as it is: its bound is
 * {@link MAXIMUM_RESPONSE_BYTES}, and a caller must not take a stand-in for it.
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

/** A snapshot for the details of a failure: bounded, and without a large response. */
export function boundForFailure(operation: OperationSnapshot): OperationSnapshot {
  const bounded = boundSnapshot(operation);
  if (bounded.state !== 'succeeded') return bounded;
  const size = jsonBytes(bounded.response);
  return size > MAXIMUM_PART_BYTES ? { ...bounded, response: standIn(bounded.response, size) } : bounded;
}
