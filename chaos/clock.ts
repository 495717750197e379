const RealDate = Date;
let offsetMs = 0;
const now = (): number => RealDate.now() + offsetMs;

/** A Date whose present is off, as on a machine with a wrong clock. */
const SteppedDate = new Proxy(RealDate, {
  construct(target, given: unknown[], made): object {
    const constructed: unknown = Reflect.construct(target, given.length === 0 ? [now()] : given, made);
    return constructed instanceof RealDate ? constructed : new RealDate(now());
  },
  apply: () => new RealDate(now()).toString(),
  get: (target, key): unknown => (key === 'now' ? now : Reflect.get(target, key)),
});

/** From now on this process's clock is off by so much. What measures durations by a monotonic clock does not notice. */
export function setClockOffset(ms: number): void {
  offsetMs = ms;
  globalThis.Date = SteppedDate;
}
