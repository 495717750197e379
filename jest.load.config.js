/** The tests of a thousand at once. They keep both cores busy by themselves, so they run one after the other. */
const {
  testPathIgnorePatterns: [, ...testRegex],
  ...config
} = require('./jest.config.js');

module.exports = { ...config, testRegex, maxWorkers: 1 };
