import { redact } from '../model/redact';
import type { ValueProblem } from '../model/snapshot';

/** A hostile reply can have a million of them, and all have to fit into a history. */
const MAXIMUM_PROBLEMS = 100;
/** Of one value. */
const MAXIMUM_BYTES = 3_000;
/** Of all values together. */
const MAXIMUM_TOTAL_BYTES = 48_000;
const MAXIMUM_PATH_LENGTH = 400;
const MAXIMUM_PROBLEM_LENGTH = 300;
const MAXIMUM_KEY_LENGTH = 100;

/** Where a value stands in some JSON. */
export class Place {
  readonly #parent: Place | undefined;
  readonly #step: string | number;

  constructor(step: string | number, parent?: Place) {
    this.#step = step;
    this.#parent = parent;
  }

  /** A member of it, or an element. */
  at(step: string | number): Place {
    return new Place(step, this);
  }

  /** `metadata.hosts[2].labels["a.b/c"]`, of bounded length. */
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

/** Without the half of a character at which it was cut. */
function whole(text: string): string {
  return Buffer.from(text).toString();
}

/** The values of a reply that have no canonical JSON. They are null in its JSON, and kept here within bounds. */
export class ValueProblems {
  readonly #kept: { place: Place; problem: string; bytes: Uint8Array }[] = [];
  #count = 0;

  add(place: Place, problem: string, bytes: Uint8Array): void {
    if (this.#count++ < MAXIMUM_PROBLEMS) this.#kept.push({ place, problem, bytes });
  }

  /** At most 100, without secrets; the last one may say how many more there were. */
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
        // Latin-1 gives every byte a character, so that a secret among them is found.
        base64: Buffer.from(redact(kept.toString('latin1')), 'latin1').toString('base64'),
      };
    });
    if (more > 1) problems.push({ path: '', problem: `${more} more values have problems`, base64: '' });
    return problems;
  }
}
