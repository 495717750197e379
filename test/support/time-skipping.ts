import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Duration } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { FakeCloud, type FakeCloudOptions } from 'temporal-lro/testing';
import {
  closeCloud,
  pluginOf,
  quietRuntime,
  runWorker,
  type TestEnvironment,
  type TestEnvironmentOptions,
} from './environment';
import { leaveHistories } from './left-behind';

const VERSION = '1.38.0';

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>temporal-lro</groupId><artifactId>time-skipping</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>io.temporal</groupId><artifactId>temporal-test-server</artifactId><version>${VERSION}</version>
  </dependency></dependencies>
</project>
`;

/** A {@link TestEnvironment} whose time can be read. */
export interface SkippingEnvironment extends TestEnvironment {
  /** Epoch milliseconds of the server and of the cloud. */
  now: () => Promise<number>;
  /** Skips that much time at once. */
  sleep: (duration: Duration) => Promise<void>;
}

/**
 * A {@link TestEnvironment} on Temporal's own test server, which skips time while somebody awaits a result; the cloud
 * uses the server's clock. Await one result at a time: two at once corrupt the server's count of callers, and hang.
 */
export async function startSkippingEnvironment(options: TestEnvironmentOptions = {}): Promise<SkippingEnvironment> {
  quietRuntime();
  const started: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of started.splice(0).reverse()) await end();
  };
  try {
    const server = await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path: findTestServer() } },
    });
    started.push(() => server.teardown());
    const cloudOptions: FakeCloudOptions = { now: () => server.currentTimeMs(), ...options.cloud };
    const cloud = await FakeCloud.start(cloudOptions);
    started.push(() => closeCloud(cloud));
    const taskQueue = `test-${randomUUID()}`;
    const { client, nativeConnection: connection } = server;
    // The server loses its data when it stops.
    const workflowIds: string[] = [];
    started.push(async () => {
      for (const workflowId of workflowIds) await leaveHistories(client, { workflowId });
    });
    if (options.worker !== false) {
      const worker = { connection, taskQueue, plugins: [pluginOf(cloud, cloudOptions)], ...options.worker };
      started.push(await runWorker(worker));
    }
    return {
      client,
      connection,
      cloud,
      taskQueue,
      workflow: () => {
        const workflowId = randomUUID();
        workflowIds.push(workflowId);
        return { taskQueue, workflowId };
      },
      historyLength: async (workflowId) =>
        (await client.workflow.getHandle(workflowId).fetchHistory()).events?.length ?? 0,
      now: () => server.currentTimeMs(),
      sleep: (duration) => server.sleep(duration),
      stop,
    };
  } catch (err) {
    await stop();
    throw err;
  }
}

/** The path of a script that starts the server. Maven downloads its jars into the cache, once. */
function findTestServer(): string {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'temporal-lro');
  const directory = join(cache, `temporal-test-server-${VERSION}`);
  const script = join(directory, 'server.sh');
  if (!existsSync(script)) install(directory);
  return script;
}

/** Creates `directory` atomically, so that processes that install at the same time do not conflict. */
function install(directory: string): void {
  mkdirSync(dirname(directory), { recursive: true });
  const temporary = mkdtempSync(`${directory}.`);
  try {
    run('java', ['-version'], temporary);
    writeFileSync(join(temporary, 'pom.xml'), POM);
    run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib'], temporary);
    // `exec`, since the SDK kills only the process that it has started.
    const java = 'exec java -XX:+UseSerialGC -XX:-UsePerfData';
    const classPath = '-cp "$(dirname "$0")/lib/*"';
    const script = `#!/bin/sh\n${java} ${classPath} io.temporal.testserver.TestServer "$@"\n`;
    writeFileSync(join(temporary, 'server.sh'), script, { mode: 0o755 });
    if (!existsSync(directory)) renameSync(temporary, directory);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function run(command: 'java' | 'mvn', options: string[], cwd: string): void {
  try {
    execFileSync(command, options, { cwd, stdio: 'ignore' });
  } catch (err) {
    throw new Error(
      `Temporal's time-skipping test server ${VERSION} could not be made ready, since "${command}" failed: install a Java runtime of version 11 or later and Maven, and let Maven reach a repository.`,
      { cause: err },
    );
  }
}
