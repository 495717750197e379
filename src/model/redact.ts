import type { AnyJson } from './snapshot';

const REDACTED = '[redacted]';
/** The maximum length of a text in error details: servers put stack traces and whole requests there. */
const MAXIMUM_DETAIL_LENGTH = 4_000;

/**
 * Patterns of secrets. Each matches from the beginning of the secret, so a truncated secret is found too. Names of
 * resources are in lower case, so what looks like one is left alone: `(?=[\w-]{0,40}[A-Z])`. No credential is longer
 * than 16 kB. Every repetition has a bound: without it, a text of megabytes would overflow the matcher's stack. No two parts of a pattern that
 * follow each other match the same characters, so that the time is linear.
 */
const SHAPES: readonly [RegExp, string][] = [
  // IAM tokens, by the pattern that the cloud publishes, and truncated ones.
  [
    /(?<![\w-])t1\.(?:[\w-]{1,16384}={0,2}\.[\w-]{86}={0,2}|(?=[\w-]{0,40}[A-Z])[\w-]{16,16384}={0,2}(?:\.[\w-]{0,16384}={0,2})?)/g,
    REDACTED,
  ],
  // Tokens of Nebius: a message and its signature.
  [
    /(?<![\w-])n[ed]1(?:[A-Z][\w-]{15,16384}(?:\.[\w-]{0,16384})?|[\w-]{1,16384}\.(?=[\w-]{0,40}[A-Z])[\w-]{43,16384})/g,
    REDACTED,
  ],
  // Access tokens, refresh tokens and client secrets of Google; as they are, and in a form.
  [/(?<![\w-])ya29\.(?:[a-z]\.)?(?=[\w-]{0,40}[A-Z])[\w-]{16,16384}\.*/g, REDACTED],
  [/(?<![\w/.:-])1(?:\/\/|%2[Ff]%2[Ff])0(?=[\w-]{0,40}[A-Z])[\w-]{16,16384}/g, REDACTED],
  [/(?<![\w-])GOCSPX-[\w-]{8,16384}/g, REDACTED],
  // JSON Web Tokens, which API keys of Temporal Cloud are too.
  [/(?<![\w-])eyJ[\w-]{8,16384}(\.[\w-]{0,16384}){0,2}/g, REDACTED],
  // PEM, up to its end or the end of the text, but no more than its longest form.
  [/-----BEGIN [A-Z0-9 ]{1,80}-----(?:[^]{0,16384}?(?:-----END [A-Z0-9 ]{1,80}-----|$)|[^]{16384})/g, REDACTED],
  // Headers that carry credentials, as they appear in echoes of requests.
  [
    /\b(authorization|(?:set-)?cookie|x-[\w-]{0,40}token|x-goog-api-key)(["']?\s{0,200}[:=]\s{0,200}["']?)(?:(?:bearer|basic|api-key)\s{1,200})?[^\s"',;]{4,16384}/gi,
    `$1$2${REDACTED}`,
  ],
  // Secrets in a form or in JSON, as in echoes of requests for tokens.
  [
    /\b((?:access|refresh|id|subject)_token|client_secret|private_key)(=|["']\s{0,200}:\s{0,200}["'])[^\s"',;&]{4,16384}/gi,
    `$1$2${REDACTED}`,
  ],
  // Not a sentence, such as "the bearer credentials are missing".
  [/\b(bearer)\s{1,200}(?![a-z]{1,19}[.!?:)]{0,3}(?![^\s"',;]))[^\s"',;]{8,16384}/gi, `$1 ${REDACTED}`],
];

/**
 * Replaces what looks like a credential: tokens of the clouds, JWTs, PEM, authorization headers, secrets in forms. Leaves
 * names of resources alone.
 */
export function redact(text: string): string {
  return SHAPES.reduce((redacted, [shape, replacement]) => redacted.replace(shape, replacement), text);
}

/** Redacts and truncates each text in a detail of an error. */
export function redactDetail(detail: AnyJson): AnyJson {
  return { ...redactMembers(detail), '@type': detail['@type'] };
}

function redactMembers(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [redact(key), redactValue(member)]));
}

function redactValue(value: unknown): unknown {
  if (typeof value === 'string') {
    const text = redact(value);
    return text.length > MAXIMUM_DETAIL_LENGTH ? `${text.slice(0, MAXIMUM_DETAIL_LENGTH)}…` : text;
  }
  if (Array.isArray(value)) return value.map(redactValue);
  return typeof value === 'object' && value !== null ? redactMembers(value) : value;
}
