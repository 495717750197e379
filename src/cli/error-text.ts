// These check fields, since `instanceof` fails for Node.js errors from another realm.

/** The message of a thrown value. */
export function messageOf(err: unknown): string {
  if (typeof err !== 'object' || err === null || !('message' in err)) return String(err);
  return String(err.message);
}

/** Node.js's error code, such as `ENOENT`; empty if there is none. */
export function errorCode(err: unknown): string {
  if (typeof err !== 'object' || err === null || !('code' in err)) return '';
  return typeof err.code === 'string' ? err.code : '';
}

/** Whether the operating system refused a file. */
export function isFileError(err: unknown): boolean {
  return typeof err === 'object' && err !== null && 'syscall' in err;
}
