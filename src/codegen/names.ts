import type { DescEnum, DescMessage, DescService } from '@bufbuild/protobuf';
import { safeIdentifier } from '@bufbuild/protoplugin';
import type { Direction, Shapes } from './shapes';

type Declared = DescEnum | DescMessage | DescService;

/** The names of declarations in the module of their package. */
export interface Names {
  service(service: DescService): string;
  type(type: DescEnum | DescMessage, direction: Direction): string;
}

/** Names that protoplugin's safeIdentifier accepts, but that TypeScript does not accept for a type or a constant. */
const UNSAFE = new Set(['any', 'arguments', 'await', 'eval', 'never', 'symbol', 'undefined', 'unknown']);

/**
 * Names all declarations. Names depend on the descriptors alone, so that generating more methods later renames nothing.
 * A nested type is `Outer_Inner`. A message in a request is `ClusterInput`, next to the received `Cluster`, unless both
 * have the same shape. A request keeps its name. `requests` are the requests of all methods.
 */
export function nameAll(services: readonly DescService[], shapes: Shapes, requests: ReadonlySet<DescMessage>): Names {
  const taken = new Map<string, Set<string>>();
  const names = new Map<string, string>();
  const suffix = (type: DescEnum | DescMessage, direction: Direction): string => {
    if (type.kind === 'enum' || shapes.isAlike(type)) return '';
    if (direction === 'sent') return requests.has(type) ? '' : 'Input';
    return requests.has(type) ? 'Output' : '';
  };
  const wanted: { desc: Declared; suffix: string }[] = [
    ...[...services, ...shapes.enums].map((desc) => ({ desc, suffix: '' })),
    ...[...shapes.messages].flatMap(([desc, directions]) =>
      [...directions].map((direction) => ({ desc, suffix: suffix(desc, direction) })),
    ),
  ];
  // Type names have no spaces, so `Cluster` in a request cannot collide with a message `ClusterInput`.
  const key = (desc: Declared, suffix: string): string => `${desc.typeName} ${suffix}`;
  // Names from the descriptors come first: an invented name gives way to them.
  for (const invented of [false, true]) {
    for (const { desc, suffix } of wanted) {
      if ((suffix !== '') !== invented) continue;
      const inModule = taken.get(packageOf(desc)) ?? new Set();
      taken.set(packageOf(desc), inModule);
      names.set(key(desc, suffix), unique(identifier(localName(desc) + suffix), inModule));
    }
  }
  const find = (desc: Declared, suffix: string): string => {
    const found = names.get(key(desc, suffix));
    if (found === undefined) throw new Error(`${desc.typeName}${suffix} has no name: it was not collected`);
    return found;
  };
  return { service: (service) => find(service, ''), type: (type, direction) => find(type, suffix(type, direction)) };
}

/** Returns `wanted`, with underscores added until it is not taken, and takes it. */
export function unique(wanted: string, taken: Set<string>): string {
  const name = taken.has(wanted) ? unique(`${wanted}_`, taken) : wanted;
  taken.add(name);
  return name;
}

export function packageOf(desc: Declared): string {
  return desc.file.proto.package;
}

function identifier(name: string): string {
  return UNSAFE.has(name) ? `${name}$` : safeIdentifier(name);
}

function localName(desc: Declared): string {
  const packageName = packageOf(desc);
  return desc.typeName.slice(packageName === '' ? 0 : packageName.length + 1).replaceAll('.', '_');
}
