import type { JsonObject } from '@bufbuild/protobuf';
import { anyToJsonAt } from '../../src/descriptors/any-to-json';
import { Place, ValueProblems } from '../../src/descriptors/value-problems';
import type { ValueProblem } from '../../src/model/snapshot';
import { part, registry, THING } from './descriptors';

/** Reads a Thing in wire format as the metadata of a snapshot. */
export function read(...parts: Uint8Array[]): { json: JsonObject; problems: ValueProblem[] } {
  const problems = new ValueProblems();
  const any = { typeUrl: THING, value: Buffer.concat(parts) };
  const json = anyToJsonAt(new Place('metadata'), any, registry, problems);
  return { json, problems: problems.list() };
}

/** How a value is sent, the path of its problem, the bytes that are kept of it, and the resulting JSON of its field. */
export interface Case {
  sent: Uint8Array;
  path: string;
  problem: RegExp;
  kept: Uint8Array;
  json: JsonObject;
}

/** Reads the value between two valid fields, and expects one problem. */
export function expectOneProblem({ sent, path, problem, kept, json }: Case): void {
  const found = read(part(1, 'thing-1'), sent, part(24, 'net-1'));
  expect(found.json).toMatchObject({ '@type': THING, id: 'thing-1', networkId: 'net-1', ...json });
  expect(found.problems).toEqual([
    { path: `metadata.${path}`, problem: expect.stringMatching(problem) as string, base64: base64(kept) },
  ]);
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

/** The content of a map entry. */
export function entry(key: Uint8Array | string, value: Uint8Array | string): Uint8Array {
  return Buffer.concat([part(1, key), part(2, value)]);
}

/**
 * That many nested messages; `beginning` makes the header of each from the length of its content. Built from the inside
 * out.
 */
export function nested(levels: number, beginning: (length: number) => Uint8Array): Uint8Array {
  const beginnings: Uint8Array[] = [];
  let length = 0;
  for (let i = 0; i < levels; i++) {
    const bytes = beginning(length);
    beginnings.push(bytes);
    length += bytes.length;
  }
  return Buffer.concat(beginnings.reverse());
}
