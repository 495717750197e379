import { SimplePlugin } from '@temporalio/plugin';
import type { Worker } from '@temporalio/worker';
import { createActivities } from '../activities';
import { Cloud } from './cloud/cloud';
import type { CloudOptions } from './cloud/options';
import { DescriptorError } from './descriptors/registry';
import { configurationError } from './model/failure';
import { checkCloudName, onlyKeys, OptionError, plainObject } from './model/options';

/**
 * Gives a worker the activities that reach the configured clouds. Register it on the worker:
 * `Worker.create({ plugins: [new OperationsPlugin({ clouds })], … })`. Connections are made at the first call and closed
 * when the worker has stopped. Throws an `OperationConfigurationError` for a configuration that cannot work.
 */
export class OperationsPlugin extends SimplePlugin {
  readonly #clouds: ReadonlyMap<string, Cloud>;
  readonly #giveBackLeases: () => Promise<void>;
  /** Workers of this process that run with this plugin. */
  #running = 0;

  constructor(options: { clouds: Record<string, CloudOptions> }) {
    const clouds = configureClouds(options);
    const { activities, giveBackLeases } = createActivities(clouds);
    super({ name: 'temporal-lro.OperationsPlugin', activities });
    this.#clouds = clouds;
    this.#giveBackLeases = giveBackLeases;
  }

  /** Gives watched operations back as soon as the worker drains, while its other activities may still be running. */
  override async runWorker(worker: Worker, next: (worker: Worker) => Promise<void>): Promise<void> {
    this.#running++;
    const state = setInterval(() => {
      if (worker.getState() !== 'RUNNING' && worker.getState() !== 'INITIALIZED') void this.#giveBackLeases();
    }, STATE_INTERVAL_MS);
    try {
      await super.runWorker(worker, next);
    } finally {
      clearInterval(state);
      await this.#giveBackLeases();
      if (--this.#running === 0) for (const cloud of this.#clouds.values()) cloud.close();
    }
  }
}

/** How often the worker is asked whether it is shutting down: the SDK has no event for it. */
const STATE_INTERVAL_MS = 50;

function configureClouds(options: { clouds: Record<string, CloudOptions> }): Map<string, Cloud> {
  const clouds = new Map<string, Cloud>();
  for (const [name, cloud] of Object.entries(configured(options))) {
    try {
      clouds.set(checkCloudName(name), new Cloud(name, cloud));
    } catch (err) {
      if (!(err instanceof OptionError || err instanceof DescriptorError)) throw err;
      throw configurationError(name, `OperationsPlugin, cloud ${JSON.stringify(name)}: ${err.message}`);
    }
  }
  return clouds;
}

function configured(options: { clouds: Record<string, CloudOptions> }): Record<string, CloudOptions> {
  try {
    onlyKeys('', plainObject('options', options), ['clouds']);
    if (Object.keys(plainObject('clouds', options.clouds)).length > 0) return options.clouds;
    throw new OptionError('clouds', '{}', 'configure at least one cloud, by the name that workflows use');
  } catch (err) {
    if (err instanceof OptionError) throw configurationError('', `OperationsPlugin: ${err.message}`);
    throw err;
  }
}
