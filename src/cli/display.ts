import { Presets, SingleBar } from 'cli-progress';
import { operationProgress, progressText } from '../model/progress';
import { isDone, type ShownOperation } from '../model/snapshot';
import { durationText, operationTitle, stateText } from '../model/texts';
import { cutToWidth } from './columns';
import type { Outcome } from './outcome';
import { problemText, toldProblem } from './poll-problem';

/** Tells of a wait while it goes on, on stderr; with `json` one object a line on stdout, for machines. */
export interface Display {
  show(operation: ShownOperation): void;
  /** What else there is to know, such as that no worker answers. */
  note(message: string): void;
  end(outcome: Outcome): void;
  /** The wait goes on without us. */
  detach(message: string): void;
  /** Nothing more is told: the terminal is as it was. May be called after the others. */
  stop(): void;
}

/** `live` where a person looks at a terminal. */
export function createDisplay(operationId: string, { json }: { json?: true }): Display {
  if (json) return jsonDisplay();
  return process.stderr.isTTY ? liveDisplay(operationId) : lineDisplay(operationId);
}

function jsonDisplay(): Display {
  const write = (event: string, fields: object): void =>
    void process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
  return {
    show: (operation) => write('operation', { operation }),
    note: (message) => write('note', { message }),
    end: (outcome) => write('end', outcome),
    detach: (message) => write('detached', { message }),
    stop: () => undefined,
  };
}

/** A line for each change, with the age of the wait as we have seen it. */
function lineDisplay(operationId: string): Display {
  const told = new WaitHeadline(operationId);
  let last = '';
  const line = (text: string): void => {
    if (text === last) return;
    last = text;
    console.error(`${`[${told.age}]`.padEnd(9)}${text}`);
  };
  return {
    show: (operation) => {
      told.see(operation);
      line(`${told.title}: ${shownState(operation)}`);
    },
    note: line,
    stop: () => undefined,
    end: (outcome) => {
      line(told.ended(outcome));
      if (outcome.outcome === 'succeeded') console.log(JSON.stringify(outcome.response, undefined, 2));
    },
    detach: line,
  };
}

/** The state, and what keeps it from being followed. */
function shownState(operation: ShownOperation): string {
  const problem = toldProblem(operation);
  return problem ? `${stateText(operation)}; cannot be polled: ${problemText(problem)}` : stateText(operation);
}

const FRAMES = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'];

/** One line that moves: a bar where the cloud tells a percentage, a spinner and the age otherwise. */
function liveDisplay(operationId: string): Display {
  const told = new WaitHeadline(operationId);
  let note = 'waiting for a worker';
  let frame = 0;
  const bar = new SingleBar(
    {
      format: ({ barsize = 20 }, { progress }) => {
        const percent = told.operation && operationProgress(told.operation)?.percent;
        const done = Math.round(progress * barsize);
        const drawn =
          percent === undefined
            ? (FRAMES[frame++ % FRAMES.length] ?? '')
            : `[${'█'.repeat(done)}${'░'.repeat(barsize - done)}]`;
        const line = [drawn, told.title, note, told.age].join(' · ').replace(' · ', ' ');
        // One that is broken into two would not be drawn over.
        return cutToWidth(line, (process.stderr.columns || 80) - 1);
      },
      barsize: 20,
      hideCursor: true,
      clearOnComplete: true,
      linewrap: true,
      forceRedraw: true,
      // Ctrl-C is ours: the wait may have to be cancelled first.
      gracefulExit: false,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  bar.start(100, 0);
  const above = (text: string): void => {
    bar.stop();
    console.error(text);
  };
  return {
    show: (operation) => {
      told.see(operation);
      const progress = operationProgress(operation);
      const isPolled = operation.state === 'running' && !operation.pollError;
      note = isPolled && progress ? progressText(progress) : shownState(operation);
      bar.update(progress?.percent ?? 0);
    },
    note: (message) => {
      note = message;
    },
    end: (outcome) => {
      above(`${outcome.outcome === 'succeeded' ? '✔' : '✖'} ${told.ended(outcome)}`);
      if (outcome.outcome === 'succeeded') console.log(JSON.stringify(outcome.response, undefined, 2));
    },
    detach: above,
    stop: () => bar.stop(),
  };
}

/** What a display has been told so far. */
class WaitHeadline {
  readonly #sinceMs = Date.now();
  operation: ShownOperation | undefined;

  constructor(readonly operationId: string) {}

  see(operation: ShownOperation): void {
    this.operation = operation;
  }

  get title(): string {
    return operationTitle(this.operation ?? { id: this.operationId });
  }

  /** Of the operation by the cloud's clock, at its end when it is done; before it is known, of the command. */
  get age(): string {
    const { operation } = this;
    const since = operation?.createdAt ? Date.parse(operation.createdAt) : this.#sinceMs;
    const until =
      operation && isDone(operation) && operation.modifiedAt ? Date.parse(operation.modifiedAt) : Date.now();
    return durationText(Math.max(0, until - since));
  }

  ended(outcome: Outcome): string {
    switch (outcome.outcome) {
      case 'succeeded':
        return `${this.title} succeeded after ${this.age}`;
      case 'cancelled':
        return `${this.title} was cancelled after ${this.age}`;
      default:
        return outcome.message;
    }
  }
}
