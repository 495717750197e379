import fc from 'fast-check';
import { redact, redactDetail } from '../src/model/redact';
import { authorizedKey, newGoogleToken, newNebiusToken, newToken } from './support/guarded-cloud';

describe('text that looks like a credential is redacted', () => {
  const token = newToken();
  const jwt = 'eyJhbGciOiJQUzI1NiJ9.eyJpc3MiOiJhamUxIn0.c2lnbmF0dXJl';
  const { private_key: pem } = authorizedKey().file;
  const google = newGoogleToken();
  const refresh = `1//0gX${google.slice(6)}`;
  const nebius = newNebiusToken();
  const apiKey = `eyJhbGciOiJFUzI1NiIsICJraWQiOiJXdnR3YUEifQ.${Buffer.from('{"account_id":"abcde","aud":["temporal.io"]}').toString('base64url')}.${newToken().slice(-86)}`;
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
    ['an access token of Google', `token ${google} expired`, 'token [redacted] expired'],
    ['one of a service account', `token ya29.c.c0AY_VpZ${google.slice(10)}...`, 'token [redacted]'],
    ['one that was cut', `token ${google.slice(0, 30)}…`, 'token [redacted]…'],
    ['a refresh token of Google', `{"rt": "${refresh}"}`, '{"rt": "[redacted]"}'],
    ['one in a form', `a=${encodeURIComponent(refresh)}&b=c`, 'a=[redacted]&b=c'],
    ['the secret of a client of Google', 'client GOCSPX-4f3-abcDEF_123 is unknown', 'client [redacted] is unknown'],
    ['a token of Nebius', `(${nebius})`, '([redacted])'],
    ['one whose signature was cut', nebius.slice(0, -20), '[redacted]'],
    ['one whose message was cut', `${nebius.slice(0, 40)}…`, '[redacted]…'],
    ['an API key of Temporal Cloud', `key ${apiKey}, sorry`, 'key [redacted], sorry'],
    ['a header of an API key of Google', 'x-goog-api-key: AIzaSyD-1234', 'x-goog-api-key: [redacted]'],
    [
      'secrets of any shape in a form',
      'grant_type=refresh_token&client_secret=s3cret&refresh_token=abcd-efgh&client_id=me',
      'grant_type=refresh_token&client_secret=[redacted]&refresh_token=[redacted]&client_id=me',
    ],
    [
      'a token of any shape in JSON',
      '{"access_token": "abcd.efgh", "expires_in": 9}',
      '{"access_token": "[redacted]", "expires_in": 9}',
    ],
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

  test('five megabytes of any beginning of a secret in time that grows linearly with the text', () => {
    // More than linear time would be hours.
    const parts = [
      'eyJ',
      't1.',
      't1.A',
      'ne1C',
      'ne1.',
      'nd1c',
      'ya29.',
      'ya29.c.',
      '1//0',
      '1%2F%2F0A',
      'GOCSPX-',
      'a_token=',
    ];
    const others = [
      '-----BEGIN A-----',
      '-----BEGIN ',
      'bearer ',
      'bearer a',
      'authorization:',
      'x-a-',
      'x-token: ',
      '"access_token" ',
    ];
    for (const part of [...parts, ...others]) {
      for (const filler of ['', ' ', 'A', '-', '=']) {
        const block = (part + filler.repeat(20)).repeat(50);
        const length = redact(block.repeat(1_000_000 / block.length)).length;
        expect(length).toBeGreaterThan(0);
      }
      expect(redact(part + 'A'.repeat(5_000_000)).length).toBeGreaterThan(0);
      expect(redact(part + ' '.repeat(5_000_000)).length).toBeGreaterThan(0);
    }
  });
});

describe('names and sentences are left alone', () => {
  test.each([
    // Operations.
    'fcmq0j5033e516c56ctq',
    'projects/my-project/locations/us-central1/operations/operation-1690000000000-601f0f5d3a1b7-0a1b2c3d-4e5f6071',
    'projects/my-project/instances/Inst_1/operations/0f8fad5b-d9cb-469f-a165-70867728950e',
    'organizations/123456789012/operations/tmo-acat.AbCdEfGhIjKlMnOpQrStUvWxYz0123456789',
    'computeoperation-e00x7k2m9q4v1b8n3c',
    'operation/google/projects/p/instances/i/operations/o',
    // Resources, in the alphabets that clouds use.
    'network-demo',
    'token-service-1',
    'bearer-token-service',
    'e00b751npdk0wsh86b',
    'serviceaccount-e00bvk1m7aetbsq7k6',
    'publickey-e00b751npdk0wsh86b',
    'ne1-production-cluster-with-a-very-long-name-that-says-everything',
    'ne1prod.production-cluster-with-a-very-long-name-that-says-everything',
    't1.internal-load-balancer-of-production.example.com',
    'ya29.internal-load-balancer-of-production.example.com',
    'GOCSPX-1',
    'my-namespace.a1b2c',
    'prod/deployment/api-7d9c5b6f4d-x2x7q',
    'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43UOV3HO6DZPJQWGZJR',
    'arn:aws:iam::123456789012:role/Operations',
    'AIPSVC-eyJ',
    'operations@my-project.iam.gserviceaccount.com',
    'gcr.io/my-project/image@sha256:0a1b2c3d4e5f',
    // Addresses.
    'https://console.cloud.google.com/redis/locations/us-central1/instances/Inst_1?project=my-project',
    'http://10.0.0.1//0ABCdefGHIjklMNOpqrSTUvwxYZ',
    'gs://bucket/1//0ABCdefGHIjklMNOpqrSTUvwxYZ',
    'saas-api.tmprl.cloud:443',
    // Sentences.
    'The bearer credentials are missing.',
    'Bearer authentication required: see the documentation',
    'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
    'The access_token is missing; refresh_token: required; set client_secret or private_key',
    'x-idempotency-key: 0f8fad5b-d9cb-469f-a165-70867728950e',
    'idempotency-key=0f8fad5b-d9cb-469f-a165-70867728950e',
    'Upgrade from 1.29.4-gke.1043002 to v0.19.1 at 2026-01-01T00:00:00Z took 1 h',
  ])('%s', (text) => {
    expect(redact(text)).toBe(text);
    expect(redact(`cloud operation ${text} (${text}): "${text}".`)).toBe(
      `cloud operation ${text} (${text}): "${text}".`,
    );
  });

  test('names of any words in lower case, digits and separators, and UUIDs', () => {
    const word = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
    const known = fc.constantFrom('t1', 'ne1', 'nd1', 'ya29', 'token', 'bearer', 'cookie', '1', '0');
    const name = fc.array(fc.oneof(word, known, fc.uuid()), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(name, fc.constantFrom('.', '/', '-', '_'), (words, separator) => {
        const text = words.join(separator);
        expect(redact(text)).toBe(text);
      }),
      { numRuns: 5_000 },
    );
  });
});
