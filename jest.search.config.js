/** The last run: searches what the other two have left behind. */
module.exports = {
  roots: ['<rootDir>/dist/test'],
  testRegex: '/left-behind\\.test\\.js$',
  testEnvironment: 'node',
  reporters: ['default', '<rootDir>/dist/test/support/count-reporter.js'],
  modulePathIgnorePatterns: ['<rootDir>/dist/package.json'],
};
