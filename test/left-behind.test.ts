import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { MARK, ROOT } from './support/left-behind';

/**
 * Matches the part as text, as base64 of any text around it, and as base64 of that: bytes are base64 in JSON, and
 * payloads are base64 of JSON.
 */
function forms(secret: string): string[] {
  const encoded = inBase64(secret);
  return [secret, ...encoded, ...encoded.flatMap(inBase64)];
}

/** The base64 texts that contain `part`, one for each of the three positions at which it can begin. */
function inBase64(part: string): string[] {
  return [0, 1, 2].map((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(part)]);
    return bytes.toString('base64').slice(Math.ceil((shift * 8) / 6), Math.floor((bytes.length * 8) / 6));
  });
}

const files = readdirSync(ROOT, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
const ofKind = (kind: RegExp): string[] => files.filter((file) => kind.test(basename(file)));

function filesWith(among: string[], text: string): string[] {
  const wanted = forms(text);
  return among.filter((file) => {
    const bytes = readFileSync(file);
    return wanted.some((form) => bytes.includes(form));
  });
}

const KINDS = [
  ['databases', /\.db(-wal)?$/, '"cloud":"yandex"'],
  ['histories', /^histories-/, '"cloud":"yandex"'],
  ['logs', /^logs-/, 'taskQueue'],
  ['metrics', /^metrics-/, 'temporal_lro_'],
  ['outputs', /^outputs-/, ' passed, 0 failed'],
] as const;

test.each(KINDS)('the %s of the tests are searched', (_, kind, control) => {
  expect(filesWith(ofKind(kind), control)).not.toEqual([]);
});

test('no token, key or JWT of the tests is in any of them', () => {
  const sent = ofKind(/^calls-/)
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .reduce((sum, count) => sum + Number(count), 0);
  const megabytes = files.reduce((sum, file) => sum + readFileSync(file).length, 0) / 1e6;
  // Every JWT begins with this.
  const header = Buffer.from('{"alg":"PS256"').toString('base64url').slice(0, -1);
  const hits = [MARK, header, 'BEGIN PRIVATE KEY'].flatMap((secret) => filesWith(files, secret));
  process.stdout.write(
    `${sent} calls with a marked token; ${files.length} files, ${Math.round(megabytes)} MB: ${hits.length} hits\n`,
  );
  expect(hits).toEqual([]);
  expect(sent).toBeGreaterThan(1000);
});
