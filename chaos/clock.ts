const RealDate = Date;
let offsetMs = 0;
const now = (): number => RealDate.now() + offsetMs;

/** A Date whose current time is shifted, as on a machine with a wrong clock. */
const SteppedDate = new Proxy(RealDate, {
  construct(target, given: unknown[], made): object {
    const constructed: unknown = Reflect.construct(target, given.length === 0 ? [now()] : given, made);
    return constructed instanceof RealDate ? constructed : new RealDate(now());
  },
  apply: () => new RealDate(now()).toString(),
  get: (target, key): unknown => (key === 'now' ? now : Reflect.get(target, key)),
});

/** Shifts this process's clock by `ms` from now on. Does not affect monotonic clocks. */
export function setClockOffset(ms: number): void {
  offsetMs = ms;
  globalThis.Date = SteppedDate;
}
