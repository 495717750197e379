import { operationProgress, OperationsClient } from 'temporal-lro';
import type { FakeCloud, FakeCloudCall } from 'temporal-lro/testing';
import type { OperationSnapshot } from 'temporal-lro/workflow';

const INTERVAL_MS = 250;

/** An operation that the demo has seen. */
export interface SeenOperation {
  id: string;
  /** `Create cluster cluster-demo` */
  title: string;
  snapshot: OperationSnapshot;
  /** The number of Get calls by workers. */
  polls: number;
}

/** The operations of a cloud, one live line for each. */
export interface Progress {
  /** Prints a line between the others. A line that has been printed before is not printed again. */
  say: (text: string) => void;
  /** Shows the last changes. Resolves to all operations, earliest first. May be called again. */
  stop(): Promise<SeenOperation[]>;
}

/** Distinguishes the calls of workers, which have a token, from those that only show progress. */
export function isByWorker({ headers }: FakeCloudCall): boolean {
  return headers.includes('authorization');
}

/** Shows the operations that workers poll from now on. */
export function showProgress(cloud: FakeCloud, descriptors: string[]): Progress {
  const client = OperationsClient.connect({ endpoint: cloud.address, plaintext: true, descriptors });
  const display = process.stdout.isTTY ? new Bars() : new Lines();
  const seen = new Map<string, SeenOperation>();
  const look = async (): Promise<void> => {
    const polled = cloud.calls.filter(isByWorker).flatMap(({ operationId }) => operationId ?? []);
    for (const id of new Set(polled)) {
      const former = seen.get(id)?.snapshot;
      const snapshot = former && isDone(former) ? former : await client.get(id);
      const polls = polled.filter((other) => other === id).length;
      seen.set(id, { id, title: titleOf(snapshot), snapshot, polls });
    }
    for (const operation of seen.values()) display.show(operation);
  };
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const looking = (async () => {
    for (let running = true; running;) {
      await look();
      running = await Promise.race([ended.then(() => false), delay(INTERVAL_MS).then(() => true)]);
    }
    await look();
  })();
  // stop() reports the error.
  looking.catch(() => undefined);
  const stop = async (): Promise<SeenOperation[]> => {
    end();
    await looking;
    display.stop();
    client.close();
    return [...seen.values()];
  };
  let stopped: Promise<SeenOperation[]> | undefined;
  const said = new Set<string>();
  const say = (text: string): void => {
    if (!said.has(text)) display.say(text);
    said.add(text);
  };
  return { say, stop: () => (stopped ??= stop()) };
}

function isDone({ state }: OperationSnapshot): boolean {
  return state === 'succeeded' || state === 'failed';
}

function titleOf({ description, metadata }: OperationSnapshot): string {
  const [, resource] = Object.entries(metadata ?? {}).find(([name]) => name.endsWith('Id')) ?? [];
  return `${description} ${String(resource)}`;
}

function statusOf(operation: OperationSnapshot): string {
  const { percent, step } = operationProgress(operation) ?? {};
  switch (operation.state) {
    case 'running':
      return percent === undefined ? 'running' : `running, ${percent} % (${step})`;
    case 'succeeded':
      return 'succeeded';
    case 'rollingBack':
    case 'failed':
      return `${operation.state}: ${operation.error.codeName}: ${operation.error.message}`;
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

interface Display {
  show(operation: SeenOperation): void;
  say(text: string): void;
  stop(): void;
}

const BAR_COLUMNS = 20;

/** For a terminal: a progress bar for each operation, drawn again in place. */
class Bars implements Display {
  readonly #bars = new Map<string, string>();
  #drawn = 0;

  show({ id, title, snapshot, polls }: SeenOperation): void {
    const percent = isDone(snapshot) ? 100 : (operationProgress(snapshot)?.percent ?? 0);
    const bar = '█'.repeat(Math.round((percent / 100) * BAR_COLUMNS)).padEnd(BAR_COLUMNS, '░');
    const text = `${title.padEnd(36)} ${bar} polls: ${String(polls).padStart(2)}, ${statusOf(snapshot)}`;
    // A wrapped line would not be overwritten.
    this.#bars.set(id, text.slice(0, (process.stdout.columns || 80) - 1));
    this.#draw();
  }

  say(text: string): void {
    this.#draw(text);
  }

  /** Draws the bars over the former ones, below `text`. */
  #draw(text?: string): void {
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : '';
    const lines = [...(text === undefined ? [] : [text]), ...this.#bars.values()];
    process.stdout.write(`${up}\x1b[J${lines.map((line) => `${line}\n`).join('')}`);
    this.#drawn = this.#bars.size;
  }

  stop(): void {}
}

/** For other outputs: a line for each change. */
class Lines implements Display {
  readonly #startedAt = Date.now();
  readonly #shown = new Map<string, string>();

  show({ id, title, snapshot, polls }: SeenOperation): void {
    const status = statusOf(snapshot);
    if (this.#shown.get(id) === status) return;
    this.#shown.set(id, status);
    this.say(`${title}: ${status}${isDone(snapshot) ? ` (polls: ${polls})` : ''}`);
  }

  say(text: string): void {
    const seconds = ((Date.now() - this.#startedAt) / 1000).toFixed(1);
    process.stdout.write(`${seconds.padStart(5)} s  ${text}\n`);
  }

  stop(): void {}
}
