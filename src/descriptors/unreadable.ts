/** A value that canonical JSON cannot express, and why. */
export class Unreadable {
  constructor(
    readonly problem: string,
    readonly bytes: Uint8Array,
  ) {}
}

/** A message whose encoding is broken, or that is nested too deeply. */
export class UnreadableMessage extends Unreadable {}

export const NOT_UTF8 = 'not UTF-8';
