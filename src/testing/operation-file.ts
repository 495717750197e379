import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'fs';
import { OptionError, plainObject, text, wholeNumber } from '../model/check';
import { messageOf } from '../model/thrown';
import { checkScript } from './check-script';
import type { OperatedResource } from './readable-resources';
import type { ScriptedOperation } from './scripted-operations';

/** What a FakeCloud keeps in its file: one line for each operation that began, and one for each that was cancelled. */
export class OperationFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads the operations, earliest first. Throws an OptionError if the file is not one of a FakeCloud. */
  read(): ScriptedOperation[] {
    const operations = new Map<string, ScriptedOperation>();
    if (!existsSync(this.#path)) return [];
    // Leaves out a last line that was not written to its end.
    const lines = readFileSync(this.#path, 'utf8').split('\n').slice(0, -1);
    lines.forEach((line, i) => {
      try {
        const given = plainObject('line', JSON.parse(line));
        const id = text('id', given.id);
        operations.set(id, { ...(operations.get(id) ?? readOperation(id, given)), ...readCancellation(given) });
      } catch (err) {
        const problem = `line ${i + 1} cannot be read (${messageOf(err)})`;
        throw new OptionError('file', this.#path, `${problem}: name a file that a FakeCloud wrote, or delete this one`);
      }
    });
    return [...operations.values()];
  }

  /** Replaces the content by these operations. */
  write(operations: Iterable<ScriptedOperation>): void {
    writeFileSync(this.#path, [...operations].map(toLine).join(''));
  }

  /** Adds an operation that has begun. */
  add(operation: ScriptedOperation): void {
    appendFileSync(this.#path, toLine(operation));
  }

  /** Adds the cancellation of an operation. */
  cancel(id: string, cancelledAt: number): void {
    appendFileSync(this.#path, `${JSON.stringify({ id, cancelledAt })}\n`);
  }
}

function toLine({ id, script, createdAt, cancelledAt, method, key, resource }: ScriptedOperation): string {
  return `${JSON.stringify({ id, createdAt, cancelledAt, method, key, resource, script })}\n`;
}

function readOperation(id: string, given: Record<string, unknown>): ScriptedOperation {
  const script = checkScript(given.script);
  if ('refuse' in script) throw new OptionError('script.refuse', script.refuse.code, 'only a method can refuse');
  return {
    id,
    script,
    createdAt: wholeNumber('createdAt', given.createdAt, 0),
    ...(given.method !== undefined && { method: text('method', given.method) }),
    ...(given.key !== undefined && { key: text('key', given.key) }),
    ...(given.resource !== undefined && { resource: readResource(given.resource) }),
  };
}

function readResource(value: unknown): OperatedResource {
  const { type, id, isDeleted } = plainObject('resource', value);
  return { type: text('type', type), id: text('id', id), ...(isDeleted === true && { isDeleted }) };
}

function readCancellation({ cancelledAt }: Record<string, unknown>): { cancelledAt?: number } {
  return cancelledAt === undefined ? {} : { cancelledAt: wholeNumber('cancelledAt', cancelledAt, 0) };
}
