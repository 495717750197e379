/** The canonical gRPC status codes (google.rpc.Code), by number. */
const NAMES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

export type StatusCodeName = (typeof NAMES)[number];

/** The name of a status code; `CODE_<n>` for a number that google.rpc.Code does not have. */
export function codeName(code: number): string {
  return NAMES[code] ?? `CODE_${code}`;
}

/** The number of a status code. */
export function statusCode(name: StatusCodeName): number {
  return NAMES.indexOf(name);
}

export function isStatusCodeName(name: string): name is StatusCodeName {
  return NAMES.some((one) => one === name);
}
