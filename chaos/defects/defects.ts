import type { Invariant } from '../checker';
import type { FaultKind } from '../plan';

/** A defect that is injected into the compiled code, to prove that the runner finds it. */
export interface Defect {
  name: string;
  /** The path below dist/. */
  file: string;
  /** Must match exactly once in the file. If not, the code has changed: update the pattern. */
  pattern: RegExp;
  replacement: string;
  /** The invariant that a run with this seed, length and kinds of faults must violate. */
  violates: Invariant;
  seed: number;
  minutes: number;
  faults: FaultKind[];
}

export const DEFECTS: readonly Defect[] = [
  {
    name: 'a hung connection is never replaced',
    file: 'src/transport/connection.js',
    pattern: /connectMs: 10_000,\s+replyMs: 10_000,\s+pingAfterMs: 15_000,/,
    replacement: 'connectMs: 1e8, replyMs: 1e8, pingAfterMs: 1e8,',
    violates: 'I5',
    seed: 1,
    minutes: 0.25,
    faults: ['connection-silent', 'connection-silent-new'],
  },
  {
    name: 'an early error is taken for the end',
    file: 'src/model/error-table.js',
    pattern: /UNAVAILABLE: \{ verdict: 'transient'/,
    replacement: "UNAVAILABLE: { verdict: 'refused'",
    violates: 'I1',
    seed: 1,
    minutes: 0.2,
    faults: ['lost-replies', 'connection-refused'],
  },
  {
    name: 'each attempt of a start draws a key of its own',
    file: 'activities/start.js',
    pattern: /const \{ method, request, idempotencyKey \} = input;/,
    replacement: "const { method, request } = input; const idempotencyKey = require('crypto').randomUUID();",
    violates: 'I3',
    seed: 1,
    minutes: 0.2,
    faults: ['lost-replies'],
  },
  {
    name: 'Cancel is sent to an operation that is done',
    file: 'activities/cancel.js',
    pattern: /if \(\(0, snapshot_1\.isDone\)\(before\)\)\s+return \{ operation: before \};/,
    replacement: '',
    violates: 'I2',
    seed: 1,
    minutes: 0.3,
    faults: ['errors'],
  },
  {
    name: 'the report of a watch is dropped',
    file: 'activities/report.js',
    pattern: /return await send\(context, current\);/,
    replacement: 'return;',
    violates: 'I1',
    seed: 1,
    minutes: 0.2,
    faults: ['late-replies'],
  },
];
