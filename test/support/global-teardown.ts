import { rmSync } from 'node:fs';
import './global-setup';

export default async function tearDown(): Promise<void> {
  await globalThis.temporalServer?.stop();
  if (process.env.BUNDLES_DIRECTORY !== undefined) rmSync(process.env.BUNDLES_DIRECTORY, { recursive: true });
}
