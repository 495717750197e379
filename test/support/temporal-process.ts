import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { findTemporalCli } from '../../src/testing/temporal-cli';
import { runDirectory } from './left-behind';
import { freeAddress } from './listen';

/** A Temporal server in a process of its own, which can be killed and started again on its database file. */
export interface TemporalProcess {
  address: string;
  /** Sends SIGKILL, whatever the server is doing. */
  kill(): Promise<void>;
  /** Resolves when the server answers. */
  restart(): Promise<void>;
  /** Kills the server for good, and deletes its database unless that is to be searched. */
  remove(): Promise<void>;
}

/**
 * `dynamicConfig` are settings such as `limit.historyCount.suggestContinueAsNew=20`; the database has a directory of
 * its own in `parent`.
 */
export async function startTemporalProcess(
  dynamicConfig: string[] = [],
  parent = runDirectory() ?? tmpdir(),
): Promise<TemporalProcess> {
  const { path: cli, advice } = findTemporalCli();
  if (cli === undefined) throw new Error(`There is no Temporal CLI. ${advice}.`);
  const directory = mkdtempSync(join(parent, 'temporal-'));
  const address = await freeAddress();
  const server = [
    'server',
    'start-dev',
    '--headless',
    '--ip',
    '127.0.0.1',
    '--port',
    address.split(':')[1] ?? '',
    '--log-level',
    'error',
    ...dynamicConfig.flatMap((setting) => ['--dynamic-config-value', setting]),
  ];
  // Everything that the server has acknowledged is on disk.
  const database = [
    '--db-filename',
    join(directory, 'temporal.db'),
    '--sqlite-pragma',
    'journal_mode=WAL',
    '--sqlite-pragma',
    'synchronous=FULL',
  ];
  const run = async (): Promise<() => Promise<void>> => {
    const child = spawn(cli, [...server, ...database], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const abandon = (): void => void child.kill('SIGKILL');
    process.on('exit', abandon);
    void ended.then(() => process.off('exit', abandon));
    await answers(address);
    return async () => {
      child.kill('SIGKILL');
      await ended;
    };
  };
  let kill = await run();
  return {
    address,
    kill: () => kill(),
    restart: async () => {
      kill = await run();
    },
    remove: async () => {
      await kill();
      if (runDirectory() === undefined) rmSync(directory, { recursive: true });
    },
  };
}

async function answers(address: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1000 });
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      return await connection.close();
    } catch (err) {
      if (attempt === 100) throw err;
      await sleep(100);
    }
  }
}
