import { createServer } from 'node:http';
import { mapProxyName } from '@grpc/grpc-js/build/src/http_proxy';
import { metadataService } from 'temporal-lro';
import { newToken, startSink } from './support/guarded-cloud';
import { listen } from './support/listen';

const VARIABLES = ['grpc_proxy', 'https_proxy', 'http_proxy', 'no_grpc_proxy', 'no_proxy', 'HTTPS_PROXY'];
const clear = (): void => VARIABLES.forEach((name) => delete process.env[name]);
beforeEach(clear);
afterEach(clear);

/** The host that grpc-js connects to. */
function connectsTo(host: string): string {
  return mapProxyName({ scheme: 'dns', path: `${host}:443` }, {}).target.path;
}

// Tests what docs/clouds.md says about grpc-js, since a new version may change it.
test('the most specific proxy variable wins, and a proxy without a port uses port 80', () => {
  process.env.HTTPS_PROXY = 'http://capitals:1';
  expect(connectsTo('cloud.example')).toBe('cloud.example:443');
  delete process.env.HTTPS_PROXY;
  process.env.http_proxy = 'http://third';
  expect(connectsTo('cloud.example')).toBe('third:80');
  process.env.https_proxy = 'http://second:2';
  expect(connectsTo('cloud.example')).toBe('second:2');
  process.env.grpc_proxy = 'http://first:1';
  expect(connectsTo('cloud.example')).toBe('first:1');
});

test.each(['https://proxy.example:1', 'socks5://proxy.example:1', 'proxy.example:1', 'proxy'])(
  'a proxy that is given as %s is ignored',
  (value) => {
    const logged = jest.spyOn(console, 'error').mockReturnValue();
    process.env.https_proxy = value;
    expect(connectsTo('cloud.example')).toBe('cloud.example:443');
    expect(logged).toHaveBeenCalled();
    logged.mockRestore();
  },
);

test('the user and the password of a proxy are sent', () => {
  process.env.https_proxy = 'http://user:p%40ss@proxy.example:1';
  const { target, extraOptions } = mapProxyName({ scheme: 'dns', path: 'cloud.example:443' }, {});
  expect(target.path).toBe('proxy.example:1');
  expect(extraOptions).toEqual({
    'grpc.http_connect_creds': 'user:p@ss',
    'grpc.http_connect_target': 'dns:cloud.example:443',
  });
});

test.each<[list: string, host: string, isDirect: boolean]>([
  ['a.example,example.com', 'example.com', true],
  ['example.com', 'api.example.com', true],
  ['example.com', 'notexample.com', true],
  ['.example.com', 'api.example.com', true],
  ['.example.com', 'example.com', false],
  ['*.example.com', 'api.example.com', false],
  ['example.com:443', 'example.com', false],
  ['a.example, example.com', 'example.com', false],
  ['a.example,', 'example.com', true],
  ['10.1.2.3', '10.1.2.3', true],
  ['10.0.0.0/8', '10.1.2.3', true],
  ['10.0.0.0/8', '11.1.2.3', false],
  ['127.0.0.0/8', 'localhost', false],
])('no_proxy=%j, host %s: direct %s', (list, host, isDirect) => {
  process.env.https_proxy = 'http://proxy.example:1';
  process.env.no_proxy = list;
  expect(connectsTo(host)).toBe(isDirect ? `${host}:443` : 'proxy.example:1');
  process.env.no_grpc_proxy = 'elsewhere';
  expect(connectsTo(host)).toBe('proxy.example:1');
});

test('the metadata service is called without a proxy', async () => {
  const token = newToken();
  const server = createServer((_, response) => response.end(JSON.stringify({ access_token: token, expires_in: 60 })));
  const sink = await startSink();
  try {
    process.env.http_proxy = `http://${sink.address}`;
    const credentials = metadataService({ address: await listen(server) });
    expect(await credentials.getToken(new AbortController().signal)).toMatchObject({ token });
    expect(sink.connections()).toBe(0);
  } finally {
    server.close();
    await sink.close();
  }
});
