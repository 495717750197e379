import { operationProgress, progressText } from '../model/progress';
import { isDone, type ShownOperation } from '../model/snapshot';
import { durationText, operationTitle, stateText } from '../model/texts';
import { cutToWidth } from './columns';
import type { Outcome } from './outcome';
import { problemText, toldProblem } from './poll-problem';

/** Shows the progress of a wait on stderr; with `json`, one object per line on stdout. */
export interface Display {
  show(operation: ShownOperation): void;
  /** Shows a message, such as that no worker answers. */
  note(message: string): void;
  end(outcome: Outcome): void;
  /** Says that the command detached and the wait continues. */
  detach(message: string): void;
  /** Stops the output and restores the terminal. May be called after the others. */
  stop(): void;
}

/** Creates a live display on a terminal, and one that prints lines elsewhere. */
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

/** Prints a line for each change, with the age of the operation. */
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

/** The state, and why the operation cannot be polled, if so. */
function shownState(operation: ShownOperation): string {
  const problem = toldProblem(operation);
  return problem ? `${stateText(operation)}; cannot be polled: ${problemText(problem)}` : stateText(operation);
}

const FRAMES = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'];

const FRAME_MS = 100;
const BAR_COLUMNS = 20;
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
/** Returns to the beginning of the line and clears it. */
const CLEAR_LINE = '\r\x1b[K';

/** One animated line: a progress bar if the cloud reports a percentage, a spinner otherwise. */
function liveDisplay(operationId: string): Display {
  const { stderr } = process;
  const told = new WaitHeadline(operationId);
  let note = 'waiting for a worker';
  let frame = 0;
  let isDrawing = true;
  const draw = (): void => {
    const percent = told.operation && operationProgress(told.operation)?.percent;
    const drawn = percent === undefined ? (FRAMES[frame++ % FRAMES.length] ?? '') : barText(percent);
    const line = [`${drawn} ${told.title}`, note, told.age].join(' · ');
    // A wrapped line would not be overwritten.
    stderr.write(CLEAR_LINE + cutToWidth(line, (stderr.columns || 80) - 1));
  };
  stderr.write(HIDE_CURSOR);
  draw();
  const timer = setInterval(draw, FRAME_MS);
  const stop = (): void => {
    if (!isDrawing) return;
    isDrawing = false;
    clearInterval(timer);
    stderr.write(CLEAR_LINE + SHOW_CURSOR);
  };
  const above = (text: string): void => {
    stop();
    console.error(text);
  };
  return {
    show: (operation) => {
      told.see(operation);
      const progress = operationProgress(operation);
      const isPolled = operation.state === 'running' && !operation.pollError;
      note = isPolled && progress ? progressText(progress) : shownState(operation);
    },
    note: (message) => {
      note = message;
    },
    end: (outcome) => {
      above(`${outcome.outcome === 'succeeded' ? '✔' : '✖'} ${told.ended(outcome)}`);
      if (outcome.outcome === 'succeeded') console.log(JSON.stringify(outcome.response, undefined, 2));
    },
    detach: above,
    stop,
  };
}

function barText(percent: number): string {
  const done = Math.round((percent / 100) * BAR_COLUMNS);
  return `[${'█'.repeat(done)}${'░'.repeat(BAR_COLUMNS - done)}]`;
}

/** The title and age of the wait, from what the display has shown so far. */
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

  /**
   * The age of the operation by the cloud's clock, at its end if it is done. Before the first poll, that of the
   * command.
   */
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
