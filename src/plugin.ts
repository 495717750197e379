import { setTimeout as sleep } from 'timers/promises';
import { SimplePlugin } from '@temporalio/plugin';
import type { Worker, WorkerOptions } from '@temporalio/worker';
import { createActivities } from '../activities';
import { callMetrics } from '../activities/observe';
import { Cloud } from './cloud/cloud';
import type { CloudOptions } from './cloud/options';
import { checked, configurationError } from './model/failure';
import { checkCloudName, onlyKeys, OptionError, plainObject } from './model/options';

/**
 * Gives a worker the activities that reach the configured clouds. Register it on the worker:
 * `Worker.create({ plugins: [new OperationsPlugin({ clouds })], … })`. Connections are made at the first call and closed
 * when the worker has stopped. Throws an `OperationConfigurationError` for a configuration that cannot work.
 */
export class OperationsPlugin extends SimplePlugin {
  readonly #clouds: ReadonlyMap<string, Cloud>;
  readonly #activities: object;
  readonly #giveBackLeases: (taskQueue: string) => Promise<void>;
  /** Workers of this process that run with this plugin, each on a task queue of its own. */
  #running = 0;

  constructor(options: { clouds: Record<string, CloudOptions> }) {
    const clouds = configureClouds(options);
    const { activities, giveBackLeases } = createActivities(clouds);
    super({ name: 'temporal-lro.OperationsPlugin', activities });
    this.#clouds = clouds;
    this.#activities = activities;
    this.#giveBackLeases = giveBackLeases;
  }

  /**
   * On a worker that has the plugin already, as when it is on the connection too, nothing changes. Throws an
   * `OperationConfigurationError` where another one's activities would be lost without a word.
   */
  override configureWorker(options: WorkerOptions): WorkerOptions {
    const entries: Iterable<[string, unknown]> =
      options.activities instanceof Map ? options.activities : Object.entries(options.activities ?? {});
    const given = Object.fromEntries(entries);
    const other = Object.entries(this.#activities).find(
      ([name, own]) => given[name] !== undefined && given[name] !== own,
    );
    if (other) {
      const clouds = [...this.#clouds.keys()].join(', ');
      throw configurationError(
        '',
        `OperationsPlugin: this worker has an activity ${other[0]} already, of another OperationsPlugin or your own: configure all clouds (here ${clouds}) in one plugin, and name your activities otherwise`,
      );
    }
    // The SDK's own merge would lose a Map.
    return super.configureWorker({ ...options, activities: given });
  }

  /** Gives watched operations back as soon as the worker drains, while its other activities may still be running. */
  override async runWorker(worker: Worker, next: (worker: Worker) => Promise<void>): Promise<void> {
    const { taskQueue } = worker.options;
    this.#running++;
    const state = setInterval(() => {
      if (worker.getState() !== 'RUNNING' && worker.getState() !== 'INITIALIZED') void this.#giveBackLeases(taskQueue);
    }, STATE_INTERVAL_MS);
    try {
      await super.runWorker(worker, next);
    } finally {
      clearInterval(state);
      const enough = new AbortController();
      await Promise.race([this.#giveBackLeases(taskQueue), sleep(GIVE_BACK_MS, undefined, { signal: enough.signal })]);
      enough.abort();
      if (--this.#running === 0) for (const cloud of this.#clouds.values()) cloud.close();
    }
  }
}

/** How often the worker is asked whether it is shutting down: the SDK has no event for it. */
const STATE_INTERVAL_MS = 50;
/** For so long a worker that has stopped waits until Temporal, which may be away, has what was watched. */
const GIVE_BACK_MS = 5_000;

function configureClouds(options: { clouds: Record<string, CloudOptions> }): Map<string, Cloud> {
  const check = (): void => {
    onlyKeys('', plainObject('options', options), ['clouds']);
    const names = Object.keys(plainObject('clouds', options.clouds));
    if (names.length === 0) {
      throw new OptionError('clouds', '{}', 'configure at least one cloud, by the name that workflows use');
    }
    names.forEach(checkCloudName);
  };
  checked(check, { where: 'OperationsPlugin: ' });
  return new Map(
    Object.entries(options.clouds).map(([name, cloud]) => [name, new Cloud(name, cloud, callMetrics(name))]),
  );
}
