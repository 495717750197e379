import type { Cloud } from '../src/cloud/cloud';
import type { Judge, PollOutcome } from '../src/cloud/decide';
import type { RefusedPoll } from '../src/model/contract';

/** A result of an activity that polls. */
export type PollResult = { refused?: RefusedPoll };

/** What one kind of wait polls. `P` is an answer, `R` a result of the activity. */
export interface Subject<P, R extends PollResult> extends Judge<P, R> {
  /** How to poll, or why this worker cannot. */
  readonly served: Served<P> | string;
  /** Identifies in logs what is polled. */
  readonly fields: Record<string, string>;
  /** What an answer shows, for logs. */
  readonly shown: (polled: P) => Record<string, unknown>;
  /** Returns a function that adds to the result of a refused poll what a watch saw last. It must not keep a large answer. */
  readonly withSeen: (polled: P, atMs: number) => (result: R) => R;
  /** One word for the result, for messages. */
  readonly stateOf: (result: R) => string;
}

/** How a worker polls. */
export interface Served<P> {
  cloud: Cloud;
  /** Waits with the same key share polls. */
  key: string;
  /** Waits for one operation are in one group, though they may poll it in different ways. */
  group?: string;
  /** Whether what is polled may change back, so that an answer from before a wait began must not end it. */
  changesBack: boolean;
  /** Polls once. Never rejects. */
  poll: (signal: AbortSignal) => Promise<PollOutcome<P>>;
}
