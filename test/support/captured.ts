import { leave } from './left-behind';

/** Runs `work`, which resolves to an exit code, and keeps what it prints. */
export async function captured(work: () => Promise<number>): Promise<{ code: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', ''];
  const spies = [
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((stdout += String(text)))),
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((stderr += String(text)))),
    // In Jest the console does not write to these.
    jest.spyOn(console, 'log').mockImplementation((text) => void (stdout += `${String(text)}\n`)),
    jest.spyOn(console, 'error').mockImplementation((text) => void (stderr += `${String(text)}\n`)),
  ];
  try {
    return { code: await work(), stdout, stderr };
  } finally {
    for (const spy of spies) spy.mockRestore();
    leave('outputs', stdout + stderr);
  }
}
