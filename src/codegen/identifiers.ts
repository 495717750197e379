/** Names that declarations must not use. */
const RESERVED = new Set(
  (
    'any as async await bigint boolean break case catch class const continue debugger default delete do else enum export ' +
    'extends false finally for from function if implements import in instanceof interface let never new null number ' +
    'object package private protected public return static string super switch symbol this throw true try type typeof ' +
    'undefined unknown var void while with yield arguments eval'
  ).split(' '),
);

/** The identifiers of one module, or other names that must be unique. */
export class Identifiers {
  readonly #taken = new Set<string>();

  constructor(private readonly reserved: ReadonlySet<string> = RESERVED) {}

  /** Returns `wanted`, with underscores added until it is neither taken nor reserved. */
  take(wanted: string): string {
    let name = wanted;
    while (this.#taken.has(name) || this.reserved.has(name)) name += '_';
    this.#taken.add(name);
    return name;
  }
}
