import './global-setup';

export default async function tearDown(): Promise<void> {
  await globalThis.temporalServer?.stop();
  const left = (await globalThis.runGuard?.end()) ?? [];
  for (const command of left) console.log(`Killed a process that a test had left behind: ${command}`);
}
