import { setTimeout as sleep } from 'timers/promises';
import { SimplePlugin } from '@temporalio/plugin';
import type { Worker, WorkerOptions } from '@temporalio/worker';
import { createActivities } from '../activities';
import { callMetrics } from '../activities/observe';
import { Cloud } from './cloud/cloud';
import type { CloudOptions } from './cloud/options';
import { checked, configurationError } from './model/failure';
import { checkCloudName } from './model/options';
import { onlyKeys, OptionError, plainObject } from './model/check';

/**
 * Adds the activities that call the configured clouds to a worker:
 * `Worker.create({ plugins: [new OperationsPlugin({ clouds })], … })`. Connects at the first call and closes the
 * connections when the worker has stopped. Throws an `OperationConfigurationError` for an invalid configuration.
 */
export class OperationsPlugin extends SimplePlugin {
  readonly #clouds: ReadonlyMap<string, Cloud>;
  readonly #activities: object;
  readonly #giveBackLeases: (taskQueue: string) => Promise<void>;
  /** How many workers in this process run with this plugin, each on its own task queue. */
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
   * Does nothing if the worker already has the plugin, for example from its connection. Throws an
   * `OperationConfigurationError` if it would silently replace another activity of the same name.
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
        `OperationsPlugin: this worker already has an activity ${other[0]}, from another OperationsPlugin or your own: configure all clouds (here ${clouds}) in one plugin, and rename your activity`,
      );
    }
    // The SDK's own merge would lose a Map.
    return super.configureWorker({ ...options, activities: given });
  }

  /** Hands watched operations back as soon as the worker drains, while its other activities may still be running. */
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

/** How often to check whether the worker is shutting down: the SDK has no event for it. */
const STATE_INTERVAL_MS = 50;
/** How long a stopped worker keeps trying to hand watched operations back to Temporal, which may be unavailable. */
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
