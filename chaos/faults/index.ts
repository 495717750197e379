import type { FaultKind, FaultPlan } from '../plan';
import type { Fault } from './fault';
import { clockStep, discoveryOutage, revokeTokens, tokenOutage } from './identity';
import { spoilConnections } from './connections';
import { killServer, killWorkers, stopWorkers } from './processes';
import { errors, hostileReplies, lateReplies, lostReplies, refusals } from './replies';

/** The fault of each kind. */
export const FAULTS: Record<FaultKind, Fault> = {
  'worker-kill': killWorkers('SIGKILL'),
  'worker-term': killWorkers('SIGTERM'),
  'worker-stop': stopWorkers,
  'server-kill': killServer,
  'connection-refused': spoilConnections('refused'),
  'connection-reset': spoilConnections('reset'),
  'connection-silent': spoilConnections('silent'),
  'connection-silent-new': spoilConnections('silentNew'),
  'connection-slow': spoilConnections('slow'),
  errors,
  refusals,
  'lost-replies': lostReplies,
  'late-replies': lateReplies,
  'hostile-replies': hostileReplies,
  'token-outage': tokenOutage,
  'token-revoked': revokeTokens,
  'discovery-outage': discoveryOutage,
  'clock-step': clockStep,
};

/** Describes a fault for people. */
export function describeFault({ kind, slots, forMs, share, code, stepMs }: FaultPlan): string {
  const where = slots.length === 2 ? 'both workers' : `worker ${(slots[0] ?? 0) + 1}`;
  switch (kind) {
    case 'server-kill':
      return `server killed, down for ${forMs} ms`;
    case 'errors':
      return `${share * 100} % of calls fail with ${code}`;
    case 'refusals':
    case 'lost-replies':
    case 'late-replies':
    case 'hostile-replies':
      return `${share * 100} % of calls: ${kind}`;
    case 'clock-step':
      return `${where}: clock off by ${stepMs / 60_000} min`;
    default:
      return `${where}: ${kind}`;
  }
}
