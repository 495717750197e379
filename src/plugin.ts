import { SimplePlugin } from '@temporalio/plugin';
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
  constructor(options: { clouds: Record<string, CloudOptions> }) {
    const clouds = configureClouds(options);
    super({
      name: 'temporal-lro.OperationsPlugin',
      activities: createActivities(clouds),
      runContext: async (next) => {
        try {
          await next();
        } finally {
          for (const cloud of clouds.values()) cloud.close();
        }
      },
    });
  }
}

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
