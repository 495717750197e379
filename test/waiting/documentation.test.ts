import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The repository, in which this module runs from its compiled copy under dist/. */
const root = join(__dirname, '..', '..', '..');
const page = readFileSync(join(root, 'docs', 'waiting.md'), 'utf8');
const named = [...page.matchAll(/^- `(test\/[\w./-]+)`: (.+)$/gm)].map(([, file = '', name = '']) => ({ file, name }));

test('docs/waiting.md names tests, and every test that it names exists', () => {
  expect(named.length).toBeGreaterThan(40);
  const missing = named.filter(({ file, name }) => !readFileSync(join(root, file), 'utf8').includes(`'${name}'`));
  expect(missing).toEqual([]);
});
