import type { DescEnum, DescMessage, DescService } from '@bufbuild/protobuf';
import type { Direction, Shapes } from './shapes';

/** Names that no declaration may have. */
const RESERVED = new Set(
  (
    'any as async await bigint boolean break case catch class const continue debugger default delete do else enum export ' +
    'extends false finally for from function if implements import in instanceof interface let never new null number ' +
    'object package private protected public return static string super switch symbol this throw true try type typeof ' +
    'undefined unknown var void while with yield arguments eval'
  ).split(' '),
);

/** The identifiers of one module: each is given once. */
export class Identifiers {
  readonly #taken = new Set<string>();

  /** `wanted`, or where that is taken or reserved, with as many underscores as it takes. */
  take(wanted: string): string {
    let name = wanted;
    while (this.#taken.has(name) || RESERVED.has(name)) name += '_';
    this.#taken.add(name);
    return name;
  }
}

/** What a declaration is called in the module of its package. */
export interface Names {
  service(service: DescService): string;
  type(type: DescEnum | DescMessage, direction: Direction): string;
  /** What the module of a package may still take. */
  identifiers(packageName: string): Identifiers;
}

/**
 * Names of all declarations. They follow from the descriptors alone, so that generating more methods later renames
 * nothing: a nested type is `Outer_Inner`; a message within a request is `ClusterInput` beside the `Cluster` that is
 * received, unless both look alike; a request itself keeps its name. `requests` are the requests of all methods.
 */
export function nameAll(services: readonly DescService[], shapes: Shapes, requests: ReadonlySet<DescMessage>): Names {
  const modules = new Map<string, Identifiers>();
  const names = new Map<string, string>();
  const identifiers = (packageName: string): Identifiers => {
    const known = modules.get(packageName) ?? new Identifiers();
    modules.set(packageName, known);
    return known;
  };
  const suffix = (type: DescEnum | DescMessage, direction: Direction): string => {
    if (type.kind === 'enum' || shapes.isAlike(type)) return '';
    if (direction === 'sent') return requests.has(type) ? '' : 'Input';
    return requests.has(type) ? 'Output' : '';
  };
  const key = (type: DescEnum | DescMessage, direction: Direction): string => type.typeName + suffix(type, direction);
  const wanted: { desc: DescEnum | DescMessage | DescService; key: string; suffix: string }[] = [
    ...services.map((desc) => ({ desc, key: desc.typeName, suffix: '' })),
    ...[...shapes.enums].map((desc) => ({ desc, key: desc.typeName, suffix: '' })),
    ...[...shapes.messages].flatMap(([desc, directions]) =>
      [...directions].map((direction) => ({ desc, key: key(desc, direction), suffix: suffix(desc, direction) })),
    ),
  ];
  // Names that are in the descriptors come first: an invented one makes way for them.
  for (const invented of [false, true]) {
    for (const { desc, key, suffix } of wanted) {
      if ((suffix !== '') === invented) names.set(key, identifiers(packageOf(desc)).take(localName(desc) + suffix));
    }
  }
  const find = (name: string): string => {
    const found = names.get(name);
    if (found === undefined) throw new Error(`${name} has no name: it was not collected`);
    return found;
  };
  return {
    service: (service) => find(service.typeName),
    type: (type, direction) => find(key(type, direction)),
    identifiers,
  };
}

export function packageOf(desc: DescEnum | DescMessage | DescService): string {
  return desc.file.proto.package;
}

function localName(desc: DescEnum | DescMessage | DescService): string {
  const packageName = packageOf(desc);
  return desc.typeName.slice(packageName === '' ? 0 : packageName.length + 1).replaceAll('.', '_');
}
