import { parseArgs } from 'node:util';
import { FAULT_KINDS, type FaultKind } from './plan';

export interface Arguments {
  seeds: number[];
  minutes: number;
  kinds: FaultKind[];
}

const USAGE = `Usage: npm run chaos -- [--seed N | --seeds 1-20,42] [--minutes M] [--faults KIND,KIND,…]
Kinds: ${FAULT_KINDS.join(', ')}. By default seed 1, one minute, all kinds.`;

/** Parses the arguments. Throws an error that says what is invalid and how to use the command. */
export function parseArguments(args: string[]): Arguments {
  const options = {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    minutes: { type: 'string' },
    faults: { type: 'string' },
  } as const;
  const { values } = parseArgs({ args, options });
  return {
    seeds: seedsOf(values.seeds ?? values.seed ?? '1'),
    minutes: numberOf('--minutes', values.minutes ?? '1'),
    kinds: values.faults === undefined ? [...FAULT_KINDS] : values.faults.split(',').map(kindOf),
  };
}

/** `1,2,5-7` */
function seedsOf(text: string): number[] {
  return text.split(',').flatMap((range) => {
    const [first = NaN, last = first] = range.split('-').map((seed) => numberOf('--seeds', seed));
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

function numberOf(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new Error(`${option} is ${JSON.stringify(text)}: give a number above 0.\n${USAGE}`);
}

function kindOf(name: string): FaultKind {
  const kind = FAULT_KINDS.find((known) => known === name);
  if (kind !== undefined) return kind;
  throw new Error(`--faults names ${JSON.stringify(name)}, which is no kind of fault.\n${USAGE}`);
}
