/** The tests of a thousand at once. They keep both cores busy by themselves, so they run one after the other. */
const { testPathIgnorePatterns, ...config } = require('./jest.config.js');

module.exports = {
  ...config,
  testRegex: '/(thousand|start-chaos)\\.test\\.js$',
  testPathIgnorePatterns: testPathIgnorePatterns.slice(1),
  maxWorkers: 1,
};
