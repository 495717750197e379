import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const fold = (text: string): string => text.replace(/\s+/g, ' ');
const page = (path: string): string => readFileSync(path, 'utf8');
const headings = (text: string): string[] => [...text.matchAll(/^### (.+)$/gm)].map(([, heading = '']) => heading);

const sources = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => ({ file: join('test', name), source: page(join('test', name)) }));

/** A comment above a test: `Proves <page>: "<statement, word for word>"`. */
const PROOF = /^\s*\/\/ Proves (\S+\.md): "(.+)"\n(?=(?:\s*\/\/ .*\n)*\s*(?:test|describe)\b)/gm;

const proofs = sources.flatMap(({ file, source }) =>
  [...source.matchAll(PROOF)].map(([, path = '', statement = '']) => ({ file, path, statement })),
);

test('every statement that a test proves stands in its page, word for word', () => {
  const wrong = proofs.filter(({ path, statement }) => !fold(page(path)).includes(fold(statement)));
  expect(wrong).toEqual([]);
});

test('every comment that names a proof names a page and a statement, and stands above a test', () => {
  for (const { file, source } of sources) {
    const written = source.match(/^\s*\/\/ Proves /gm) ?? [];
    expect([file, written.length]).toEqual([file, proofs.filter((proof) => proof.file === file).length]);
  }
});

test('a test proves each statement of docs/contract.md', () => {
  const proven = new Set(proofs.filter(({ path }) => path === 'docs/contract.md').map(({ statement }) => statement));
  expect(proven).toEqual(new Set(headings(page('docs/contract.md'))));
});

/** The names of the tests in a file, as they are written there. */
function testsIn(file: string): string[] {
  return [...page(file).matchAll(/(?:^\s*test|\]\))\(\s*(['"])(.+?)\1,\s/gm)].map(([, , name = '']) => name);
}

test('a test that exists proves each statement of SECURITY.md', () => {
  const security = page('SECURITY.md');
  const rows = [...security.matchAll(/^\| (.+?) +\| `(test\/[\w./-]+)` +\| (.+?) +\|$/gm)].map((row) => row.slice(1));
  expect(new Set(rows.map(([statement]) => statement))).toEqual(new Set(headings(security)));
  for (const [, file = '', name] of rows) expect(testsIn(file)).toContain(name);
});
