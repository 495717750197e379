import { redact } from '../model/redact';
import type { ValueProblem } from '../model/snapshot';

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

/** A hostile reply can have a million problems, and the list must fit into a history. */
const MAXIMUM_PROBLEMS = 100;
/** The maximum size of the bytes of one value. */
const MAXIMUM_BYTES = 3_000;
/** The maximum size of the bytes of all values. */
const MAXIMUM_TOTAL_BYTES = 48_000;
const MAXIMUM_PATH_LENGTH = 400;
const MAXIMUM_PROBLEM_LENGTH = 300;
const MAXIMUM_KEY_LENGTH = 100;

/** The path of a value in JSON. */
export class Place {
  readonly #parent: Place | undefined;
  readonly #step: string | number;

  constructor(step: string | number, parent?: Place) {
    this.#step = step;
    this.#parent = parent;
  }

  /** The path of a member or an element. */
  at(step: string | number): Place {
    return new Place(step, this);
  }

  /** `metadata.hosts[2].labels["a.b/c"]`, truncated. */
  toString(): string {
    const path = this.#text().replace(/^\./, '');
    if (path.length <= MAXIMUM_PATH_LENGTH) return path;
    return `${whole(path.slice(0, MAXIMUM_PATH_LENGTH / 2))}…${whole(path.slice(-MAXIMUM_PATH_LENGTH / 2))}`;
  }

  #text(): string {
    return (this.#parent ? this.#parent.#text() : '') + stepText(this.#step);
  }
}

function stepText(step: string | number): string {
  if (typeof step === 'number') return `[${step}]`;
  if (step === '') return '';
  return /^[\w@-]+$/.test(step) ? `.${step}` : `[${JSON.stringify(whole(step.slice(0, MAXIMUM_KEY_LENGTH)))}]`;
}

/** Replaces half a character at the cut by U+FFFD. */
function whole(text: string): string {
  return Buffer.from(text).toString();
}

/**
 * Collects the values of a reply that canonical JSON cannot express, within bounds. The JSON has null in their place.
 */
export class ValueProblems {
  readonly #kept: { place: Place; problem: string; bytes: Uint8Array }[] = [];
  #count = 0;

  add(place: Place, problem: string, bytes: Uint8Array): void {
    if (this.#count++ < MAXIMUM_PROBLEMS) this.#kept.push({ place, problem, bytes });
  }

  /** At most 100 problems, redacted; the last one may say how many more there were. */
  list(): ValueProblem[] {
    const more = this.#count - MAXIMUM_PROBLEMS + 1;
    const listed = more > 1 ? this.#kept.slice(0, -1) : this.#kept;
    let left = MAXIMUM_TOTAL_BYTES;
    const problems = listed.map(({ place, problem, bytes }) => {
      const kept = Buffer.from(bytes.subarray(0, Math.min(MAXIMUM_BYTES, left)));
      left -= kept.length;
      const note = kept.length < bytes.length ? ` (the first ${kept.length} of ${bytes.length} bytes)` : '';
      return {
        path: redact(place.toString()),
        problem: redact(whole(problem.slice(0, MAXIMUM_PROBLEM_LENGTH))) + note,
        // Latin-1 maps every byte to a character, so that redaction finds secrets.
        base64: Buffer.from(redact(kept.toString('latin1')), 'latin1').toString('base64'),
      };
    });
    if (more > 1) problems.push({ path: '', problem: `${more} more values have problems`, base64: '' });
    return problems;
  }
}
