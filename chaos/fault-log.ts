import type { FaultKind, Slot } from './plan';

export interface LoggedFault {
  kind: FaultKind;
  slots: readonly Slot[];
  /** What it was, for people. */
  what: string;
  fromMs: number;
  /** Infinity while it lasts. */
  toMs: number;
}

/** What was out of order when, in epoch milliseconds. */
export class FaultLog {
  readonly faults: LoggedFault[] = [];

  /** The function returned ends the fault. */
  begin(kind: FaultKind, slots: readonly Slot[], what: string): () => void {
    const fault = { kind, slots, what, fromMs: Date.now(), toMs: Infinity };
    this.faults.push(fault);
    return () => (fault.toMs = Date.now());
  }

  during(fromMs: number, toMs: number): LoggedFault[] {
    return this.faults.filter((fault) => fault.fromMs <= toMs && fault.toMs >= fromMs);
  }
}

/** Whether what was told within one process, or by it, may have got lost. */
export function losesReports({ kind }: LoggedFault): boolean {
  return kind.startsWith('worker') || kind === 'server-kill' || kind === 'discovery-outage';
}

export function spoilsConnections({ kind }: LoggedFault): boolean {
  return kind.startsWith('connection');
}
