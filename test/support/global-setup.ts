import { startTemporalServer, type TemporalServer } from 'temporal-lro/testing';

declare global {
  /** Of this test run; started once, stopped by global-teardown. */
  var temporalServer: TemporalServer | undefined;
}

/** One Temporal server serves the whole run; every test file has a task queue of its own. */
export default async function setUp(): Promise<void> {
  const server = await startTemporalServer({ ui: true });
  globalThis.temporalServer = server;
  process.env.TEMPORAL_ADDRESS = server.address;
  if (server.uiUrl !== undefined) process.env.TEMPORAL_UI_URL = server.uiUrl;
}
