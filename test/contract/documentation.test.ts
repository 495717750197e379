import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { documents } from './documents';

/** The root of the repository. This module runs from its compiled copy under dist/. */
function repository(): string {
  for (let directory = __dirname; directory !== dirname(directory); directory = dirname(directory)) {
    if (existsSync(join(directory, 'docs', 'contract.md'))) return directory;
  }
  throw new Error(`No docs/contract.md in any directory above ${__dirname}.`);
}

const root = repository();
const page = readFileSync(join(root, 'docs', 'contract.md'), 'utf8');
const security = readFileSync(join(root, 'SECURITY.md'), 'utf8');
/** A statement is a heading of the third level with the text up to the next heading. */
const statements = [page, security].flatMap((text) =>
  text
    .split(/^(?=##+ )/m)
    .filter((section) => section.startsWith('### '))
    .map((section) => ({ statement: section.slice(4, section.indexOf('\n')), section })),
);

/** The tests that a section names, in lines such as "- `test/a.test.ts`: what it proves". */
function namedTests(section: string): { file: string; name: string }[] {
  return [...section.matchAll(/^- `(test\/[\w./-]+)`: (.+)$/gm)].map(([, file = '', name = '']) => ({ file, name }));
}

/** The names of the tests in a file, as the source spells them. */
function testsIn(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8');
  return [...source.matchAll(/(?:^\s*test|\]\))\(\s*(['"])(.+?)\1,\s/gm)].map(([, , name = '']) => name);
}

test('docs/contract.md names every document', () => {
  for (const { title } of documents) expect(page).toContain(title);
});

test.each(statements)('"$statement" is proven by tests that exist', ({ section }) => {
  const named = namedTests(section);
  expect(named.length).toBeGreaterThan(0);
  for (const { file, name } of named) expect(testsIn(file)).toContain(name);
});
