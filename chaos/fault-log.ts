import type { FaultKind, Slot } from './plan';

export interface LoggedFault {
  kind: FaultKind;
  slots: readonly Slot[];
  /** A description for people. */
  what: string;
  fromMs: number;
  /** Infinity while the fault lasts. */
  toMs: number;
}

/** Records which faults were active when, in epoch milliseconds. */
export class FaultLog {
  readonly faults: LoggedFault[] = [];

  /** Records the begin of a fault. Returns a function that records its end. */
  begin(kind: FaultKind, slots: readonly Slot[], what: string): () => void {
    const fault = { kind, slots, what, fromMs: Date.now(), toMs: Infinity };
    this.faults.push(fault);
    return () => (fault.toMs = Date.now());
  }

  during(fromMs: number, toMs: number): LoggedFault[] {
    return this.faults.filter((fault) => fault.fromMs <= toMs && fault.toMs >= fromMs);
  }
}

/** Whether the fault may lose what a worker process knows or reports. */
export function losesReports({ kind }: LoggedFault): boolean {
  return kind.startsWith('worker') || kind === 'server-kill' || kind === 'discovery-outage';
}

export function spoilsConnections({ kind }: LoggedFault): boolean {
  return kind.startsWith('connection');
}
