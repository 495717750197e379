/** An activity that keeps running while its worker shuts down. */
export function linger(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 60_000));
}

/** An activity that has nothing to do with operations. */
export function unrelated(): Promise<string> {
  return Promise.resolve('done');
}
