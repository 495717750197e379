const { findSkipped } = require('./dist/test/support/needs');

const { files, reasons } = findSkipped(`${__dirname}/dist/test`);
for (const reason of reasons) console.log(reason);

/** Tests run as they are compiled: what jest executes is the code that the package ships. */
module.exports = {
  roots: ['<rootDir>/dist/test'],
  // They have runs of their own: see jest.search.config.js, the first, and jest.load.config.js, the others.
  testPathIgnorePatterns: [
    '/left-behind\\.test\\.js$',
    '/thousand\\.test\\.js$',
    '/start-chaos\\.test\\.js$',
    ...files.map((file) => `^${file.replace(/[.\\]/g, '\\$&')}$`),
  ],
  // Nothing is transformed either: the compiler has done all.
  transform: {},
  testEnvironment: 'node',
  testTimeout: 60_000,
  maxWorkers: 3,
  testSequencer: '<rootDir>/dist/test/support/longest-first.js',
  globalSetup: '<rootDir>/dist/test/support/global-setup.js',
  globalTeardown: '<rootDir>/dist/test/support/global-teardown.js',
  reporters: ['default', '<rootDir>/dist/test/support/count-reporter.js'],
  modulePathIgnorePatterns: ['<rootDir>/dist/package.json'],
};
