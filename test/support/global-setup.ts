import { startTemporalServer, type TemporalServer } from 'temporal-lro/testing';

declare global {
  /** Of this test run; started once, stopped by global-teardown. */
  var temporalServer: TemporalServer | undefined;
}

/** One Temporal server serves the whole run; every test file has a task queue of its own. */
export default async function setUp(): Promise<void> {
  globalThis.temporalServer = await startTemporalServer();
  process.env.TEMPORAL_ADDRESS = globalThis.temporalServer.address;
}
