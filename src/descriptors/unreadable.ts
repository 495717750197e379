/** A value that has no canonical JSON, and why. */
export class Unreadable {
  constructor(
    readonly problem: string,
    readonly bytes: Uint8Array,
  ) {}
}

/** A message of whose bytes nobody can tell where a field ends, or that is nested too deep. */
export class UnreadableMessage extends Unreadable {}

export const NOT_UTF8 = 'not UTF-8';
