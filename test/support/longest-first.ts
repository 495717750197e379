import Sequencer from '@jest/test-sequencer';

/**
 * Jest knows the duration of a file only where it has run before; begun last, these files would run alone at the end.
 */
const LONGEST = [
  'waiting/figures',
  'waiting/long',
  'waiting/survival',
  'packaging',
  'demo',
  'durability',
  'cli-outage',
  'hanging/in-force',
  'cli',
];

export default class LongestFirst extends Sequencer {
  override sort(tests: Parameters<Sequencer['sort']>[0]): ReturnType<Sequencer['sort']> {
    const rank = ({ path }: { path: string }): number => {
      const index = LONGEST.findIndex((name) => path.endsWith(`/${name}.test.js`));
      return index === -1 ? LONGEST.length : index;
    };
    return [...tests].sort((one, other) => rank(one) - rank(other));
  }
}
