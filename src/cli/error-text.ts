// By their fields: an error of Node.js's own may be of another realm, and `instanceof` would not know it.

/** The message of whatever was thrown. */
export function messageOf(err: unknown): string {
  if (typeof err !== 'object' || err === null || !('message' in err)) return String(err);
  return String(err.message);
}

/** Node.js's code, such as `ENOENT`; empty where there is none. */
export function errorCode(err: unknown): string {
  if (typeof err !== 'object' || err === null || !('code' in err)) return '';
  return typeof err.code === 'string' ? err.code : '';
}

/** Whether the operating system refused a file. */
export function isFileError(err: unknown): boolean {
  return typeof err === 'object' && err !== null && 'syscall' in err;
}
