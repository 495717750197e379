/** Yields the result of `work` for each item as it arrives, at most `limit` at a time. The first rejection ends it. */
export async function* inParallel<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const underWay = new Map<number, Promise<[number, R]>>();
  const next = async (): Promise<R> => {
    const [key, result] = await Promise.race(underWay.values());
    underWay.delete(key);
    return result;
  };
  let count = 0;
  for await (const item of items) {
    const key = count++;
    const one = work(item).then((result): [number, R] => [key, result]);
    // If another promise rejects first, this one has no other handler.
    one.catch(() => undefined);
    underWay.set(key, one);
    if (underWay.size >= limit) yield await next();
  }
  while (underWay.size > 0) yield await next();
}
