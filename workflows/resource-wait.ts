import { CancelledFailure } from '@temporalio/common';
import { CancellationScope, log } from '@temporalio/workflow';
import type { UntilResult } from '../src/model/contract';
import { toApplicationFailure } from '../src/model/failure';
import { wantedText, type ShownResource } from '../src/model/match';
import type { ResolvedWaitOptions } from '../src/model/options';
import { codeName, statusCode, type JsonObject } from '../src/model/snapshot';
import { durationText, summary } from '../src/model/texts';
import {
  callName,
  callSummary,
  notMatchedText,
  problemsText,
  resourceName,
  untilSummary,
  untilTimerSummary,
} from '../src/model/unary-call';
import { getUntilMatched, type CallLimits, type Poll } from './activities';
import { isEnd, notInTime, problemUnlessEnded } from './failures';
import { POLL_ONCE, type Answer, type LongHistory, type Poller } from './polling';
import { evidenceOf, recordMatch, recordPending, recordSeenReply, shownPolling, type UntilState } from './state';
import type { ResourceTarget } from './target';
import { LOOK_MS, nextWaitNumber, Wait, type Interrupted } from './wait';

/** The end of a wait for a reply. */
type End = { reply: JsonObject | undefined } | { failure: Error };

/** One wait for a reply of a reading method. */
export class ResourceWait extends Wait<End, ShownResource, JsonObject | undefined> {
  readonly target: ResourceTarget;
  protected readonly poller: Poller<End>;
  protected readonly deadlineSummary: string;
  readonly #reading: string;
  readonly #wanted: string;
  readonly #name: string;

  constructor(
    target: ResourceTarget,
    options: ResolvedWaitOptions,
    readonly state: UntilState,
    longHistory: LongHistory,
  ) {
    super(options, longHistory);
    const { cloud, method, request, match } = target;
    this.target = { ...target, waitNumber: nextWaitNumber() };
    this.#reading = callSummary(method, request);
    this.#name = resourceName(cloud, method, request);
    this.#wanted = wantedText(match);
    this.deadlineSummary = summary(this.#reading, 'timeout of the wait');
    this.poller = {
      state,
      poll: async (input, summary): Promise<Answer<End>> => {
        const result = await this.#get(input, { summary });
        switch (result.outcome) {
          case 'matched':
            return { ended: { reply: result.reply } };
          case 'pending':
            return {};
          case 'refused':
            return { refused: result.refused };
        }
      },
      pollSummary: () => this.#pollSummary(),
      sleepSummary: (ms) => untilTimerSummary(this.#reading, this.#shows(), ms),
    };
  }

  /**
   * Waits until a reply matches, and returns it: undefined if the resource is absent. Belongs to the scope in which it
   * is called. The cloud knows nothing of the wait, so a cancellation ends it at once.
   */
  run(): Promise<JsonObject | undefined> {
    const caller = CancellationScope.current();
    if (caller.consideredCancelled) return Promise.reject(this.#cancelled());
    return CancellationScope.nonCancellable(() => this.race(caller));
  }

  /** The answer to the query. */
  shown(): ShownResource {
    const { state, target } = this;
    return {
      cloud: target.cloud,
      reading: this.#reading,
      state: state.isMatched ? 'matched' : 'waiting',
      wanted: this.#wanted,
      ...(state.seen !== undefined && { seen: state.seen }),
      ...shownPolling(state),
    };
  }

  protected lastLook(isRecent: boolean): ShownResource | undefined {
    return isRecent || this.state.isMatched ? this.shown() : undefined;
  }

  protected async pollBeside(): Promise<{ ended?: End; shown: ShownResource }> {
    const result = await this.#look().catch((err: unknown) => {
      // The wait ends with the same failure.
      if (err instanceof Error && isEnd(err)) this.seeEnd({ failure: err });
      return notInTime(err);
    });
    if (!result) throw this.#notPolled();
    const shown = { ...this.shown(), ...('reply' in result && result.reply && { reply: result.reply }) };
    return result.outcome === 'matched' ? { ended: { reply: result.reply }, shown } : { shown };
  }

  protected end(ended: End): JsonObject | undefined {
    if ('failure' in ended) throw ended.failure;
    return ended.reply;
  }

  protected async interrupted(
    by: Interrupted,
    caller: CancellationScope,
    stopPolling: () => void,
  ): Promise<JsonObject | undefined> {
    stopPolling();
    if (by === 'cancelled') throw this.#cancelled();
    // The resource may have changed since the last poll, and the failure should report its current state.
    const result = await this.#look().catch(problemUnlessEnded);
    const last = typeof result === 'string' ? { problem: result } : result;
    if ('outcome' in last && last.outcome === 'matched') return last.reply;
    if (caller.consideredCancelled) throw this.#cancelled();
    const { cloud, method } = this.target;
    const { timeoutMs = 0 } = this.options;
    throw toApplicationFailure({
      type: 'ResourceConditionTimedOut',
      cloud,
      method,
      message: notMatchedText(this.#name, timeoutMs, this.#shows(), 'problem' in last ? last.problem : undefined),
      details: [],
      ...('reply' in last && last.reply && { reply: last.reply }),
      ...shownPolling(this.state),
    });
  }

  /** What the last poll showed. */
  #shows(): string {
    const { seen, pollError } = this.state;
    const shows = seen ?? `not polled yet, wanted ${this.#wanted}`;
    return pollError ? `${pollError.codeName}, waiting it out · ${shows}` : shows;
  }

  #pollSummary(): string {
    return untilSummary(this.#reading, this.#wanted, this.state.seen, this.state.polls + 1);
  }

  /** Polls, and records what it shows. */
  async #get(input: Poll, call: CallLimits): Promise<UntilResult> {
    const { state, target } = this;
    // Without a timeout, the wait for a wrong id would never end.
    const awaitsCreation = this.options.timeoutMs !== undefined;
    const result = await getUntilMatched(target, { ...input, awaitsCreation }, call);
    switch (result.outcome) {
      case 'matched':
        if (result.problems) log.warn(problemsText(target.cloud, target.method, result.problems));
        recordMatch(state);
        break;
      case 'pending':
        recordPending(state, result);
        break;
      case 'refused':
        recordSeenReply(state, result.refused.seen);
    }
    return result;
  }

  /** Polls once, and retries transient errors for a while. */
  #look(): Promise<UntilResult> {
    const { startedAtMs } = this.state;
    const input = { startedAtMs, record: evidenceOf(this.state), schedule: POLL_ONCE };
    return this.#get(input, { summary: this.#pollSummary(), scheduleToCloseTimeoutMs: LOOK_MS });
  }

  #cancelled(): CancelledFailure {
    const { cloud, method } = this.target;
    const details = { cloud, method, ...(this.state.seen !== undefined && { seen: this.state.seen }) };
    return new CancelledFailure(`Wait for ${this.#name} cancelled: ${this.#shows()}`, [details]);
  }

  /** For a requested poll that did not succeed in time. The wait continues. */
  #notPolled(): Error {
    const { cloud, method } = this.target;
    const code = statusCode('UNAVAILABLE');
    const message = `${callName(cloud, method)} did not answer within ${durationText(LOOK_MS)}; its wait goes on`;
    return toApplicationFailure({
      type: 'OperationServiceError',
      cloud,
      code,
      codeName: codeName(code),
      message,
      details: [],
    });
  }
}
