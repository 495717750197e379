import { redact, redactDetail } from '../src/model/redact';
import { authorizedKey, newToken } from './support/guarded-cloud';
import { processorMs } from './support/processor-time';

describe('text that looks like a credential is redacted', () => {
  const token = newToken();
  const jwt = 'eyJhbGciOiJQUzI1NiJ9.eyJpc3MiOiJhamUxIn0.c2lnbmF0dXJl';
  const { private_key: pem } = authorizedKey().file;
  test.each([
    ['an IAM token', `refused ${token}!`, 'refused [redacted]!'],
    ['an IAM token that was cut', `refused ${token.slice(0, 40)}`, 'refused [redacted]'],
    ['a JWT', `bad JWT "${jwt}"`, 'bad JWT "[redacted]"'],
    ['a JWT that was cut', `bad JWT ${jwt.slice(0, 30)}…`, 'bad JWT [redacted]…'],
    ['a PEM', `key ${pem}is bad`, 'key [redacted]\nis bad'],
    ['a PEM that was cut', `key ${pem.slice(0, 300)}`, 'key [redacted]'],
    ['a PEM within JSON', JSON.stringify({ key: pem }), '{"key":"[redacted]\\n"}'],
    ['a bearer token of any shape', 'got Bearer 0paque-s3cret, sorry', 'got Bearer [redacted], sorry'],
    [
      'an authorization header',
      'headers: authorization=Api-Key AQVN1234; a=b',
      'headers: authorization=[redacted]; a=b',
    ],
    ['a header in JSON', '{"Authorization":"Bearer abc12345"}', '{"Authorization":"[redacted]"}'],
    ['a cookie', 'Set-Cookie: session=abcdef', 'Set-Cookie: [redacted]'],
    ['a token header', 'x-ya-iam-token: abcdef', 'x-ya-iam-token: [redacted]'],
    ['nothing', 'Bearer tokens end after 12 h; t1.micro is small', 'Bearer tokens end after 12 h; t1.micro is small'],
  ])('%s', (_, text, expected) => {
    expect(redact(text)).toBe(expected);
    expect(redact(redact(text))).toBe(redact(text));
  });

  test('everywhere in the details of an error, whose texts are bounded', () => {
    const detail = { '@type': 'a.B', list: [{ [token]: [token] }], text: 'x'.repeat(10_000), n: 1, none: null };
    const redacted = redactDetail(detail);
    expect(redacted).toMatchObject({ '@type': 'a.B', list: [{ '[redacted]': ['[redacted]'] }], n: 1, none: null });
    expect(String(redacted.text)).toHaveLength(4_001);
  });

  test('many megabytes in time that grows linearly with the text', () => {
    const took = processorMs(() => {
      for (const part of ['eyJ', 't1.', '-----BEGIN A-----', 'bearer ', 'authorization:', 'x-a-'])
        redact(part.repeat(2_000_000));
    });
    // With quadratic time it would take hours.
    expect(took).toBeLessThan(10_000);
  });
});
