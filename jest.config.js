const { findSkipped } = require('./dist/test/support/needs');

const { files, reasons } = findSkipped(`${__dirname}/dist/test`);
for (const reason of reasons) console.log(reason);

/** Tests that take a minute each, of what changes seldom or only shows at length: `npm run test:all` runs them too. */
const HEAVY = [
  'cancelling/continue-as-new',
  'cancelling/history',
  'cancelling/limits',
  'cli-orphans',
  'cli-outage',
  'clouds-page',
  'contract/operations',
  'demo',
  'discovery',
  'durability',
  'examples',
  'generate',
  'generate-clouds',
  'hanging/in-force',
  'hostile-input',
  'interop-credentials',
  'interop-google',
  'interop-nebius',
  'interop-servers',
  'interop-temporal-cloud',
  'interop-yandex',
  'packaging',
  'reading/await-resource',
  'reading/figures',
  'reading/until',
  'secrets',
  'values/hostile',
  'waiting/figures',
  'waiting/long',
  'waiting/replies',
  'waiting/survival',
  'yandex',
];
/** Tests of a thousand at once, which keep every core busy, and the search through what all others have left behind. */
const ALONE = ['cancelling/thousand', 'left-behind', 'start-chaos', 'waiting/thousand'];

const matching = (names) => `/(${names.join('|')})\\.test\\.js$`;

/** Tests run as they are compiled: what jest executes is the code that the package ships. */
module.exports = {
  roots: ['<rootDir>/dist/test'],
  testPathIgnorePatterns: [
    matching([...HEAVY, ...ALONE]),
    ...files.map((file) => `^${file.replace(/[.\\]/g, '\\$&')}$`),
  ],
  // Nothing is transformed either: the compiler has done all.
  transform: {},
  testEnvironment: 'node',
  // A test that hangs has to end; one that is slow on a loaded machine must not.
  testTimeout: 120_000,
  // More than there are cores: most tests wait for a server most of their time.
  maxWorkers: 4,
  testSequencer: '<rootDir>/dist/test/support/longest-first.js',
  globalSetup: '<rootDir>/dist/test/support/global-setup.js',
  globalTeardown: '<rootDir>/dist/test/support/global-teardown.js',
  reporters: ['default', '<rootDir>/dist/test/support/count-reporter.js'],
  modulePathIgnorePatterns: ['<rootDir>/dist/package.json'],
};

// Jest warns of keys that it does not know.
Object.defineProperty(module.exports, 'HEAVY', { value: matching(HEAVY) });
