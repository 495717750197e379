/**
 * The names of our metrics, as they appear in Prometheus (where the SDK may be told to add `_total` and units). Their only
 * own labels are `cloud`, `code` (of a google.rpc.Code, or OK), `outcome` and `result`: few values, never an id.
 */
export const METRICS = {
  polls: { name: 'temporal_lro_polls', description: 'Calls of OperationService.Get, by their status code' },
  pollLatency: { name: 'temporal_lro_poll_latency', unit: 'ms', description: 'How long a Get took' },
  cancels: { name: 'temporal_lro_cancels', description: 'Calls of OperationService.Cancel, by their status code' },
  starts: { name: 'temporal_lro_starts', description: 'Calls of methods that start operations, by their status code' },
  startConflicts: {
    name: 'temporal_lro_start_conflicts',
    description: 'Starts that had to wait for another operation on the same resource',
  },
  tokenExchanges: { name: 'temporal_lro_token_exchanges', description: 'Tokens asked for, by result: ok or error' },
  watchedOperations: { name: 'temporal_lro_watched_operations', description: 'Waits that this worker is watching now' },
  reportFailures: {
    name: 'temporal_lro_report_failures',
    description: 'Reports of watched operations that Temporal or a payload codec did not accept',
  },
  waits: { name: 'temporal_lro_waits', description: 'Waits that ended, by outcome' },
  lateness: {
    name: 'temporal_lro_wait_lateness',
    unit: 'ms',
    description: "From an operation's last modification by the cloud's clock to the end of its wait by Temporal's",
  },
} as const;
