/** The tests that `npm test` leaves out because they are long. */
const fast = require('./jest.config.js');

const { testPathIgnorePatterns, ...config } = fast;

const [, ...skipped] = testPathIgnorePatterns;
module.exports = { ...config, testRegex: fast.HEAVY, testPathIgnorePatterns: skipped, maxWorkers: 3 };
