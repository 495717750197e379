// What was thrown may be anything. These read it by shape: an error of another realm, such as the sandbox or a test, is
// no `Error` here.

/** The message of whatever was thrown. */
export function messageOf(err: unknown): string {
  const { message }: { message?: unknown } = typeof err === 'object' && err !== null ? err : {};
  // Node's AggregateErrors have a code instead of a message.
  return typeof message === 'string' && message !== '' ? message : errorCode(err) || String(err);
}

/** Node.js's error code, such as `ENOENT`; empty if there is none. */
export function errorCode(err: unknown): string {
  const { code }: { code?: unknown } = typeof err === 'object' && err !== null ? err : {};
  return typeof code === 'string' ? code : '';
}

/** Whether the operating system refused a file. */
export function isFileError(err: unknown): boolean {
  return typeof err === 'object' && err !== null && 'syscall' in err;
}
