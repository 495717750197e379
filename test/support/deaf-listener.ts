import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A port of this machine on which connections are not even accepted, until {@link DeafListener.hear}. */
export interface DeafListener {
  address: string;
  /** Accepts connections, and relays them to the target. */
  hear(): void;
  close(): void;
}

const RELAY = `
const { connect, createServer } = require('net');
const server = createServer((near) => {
  const far = connect(Number(process.argv[1]), '127.0.0.1');
  for (const [one, other] of [[near, far], [far, near]]) one.on('error', () => other.destroy()).on('close', () => other.destroy());
  near.pipe(far).pipe(near);
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port));
`;

/** A stopped process whose backlog is full: the kernel answers no further connection. */
export async function deafListener(target: string): Promise<DeafListener> {
  const port = target.split(':')[1] ?? '';
  const child = spawn(process.execPath, ['-e', RELAY, port], { stdio: ['ignore', 'pipe', 'inherit'] });
  const printed = await once(child.stdout, 'data');
  const own = Number(String(printed[0]));
  child.kill('SIGSTOP');
  const backlog: Socket[] = [];
  for (let isFull = false; !isFull;) {
    const socket = connect(own, '127.0.0.1').on('error', () => undefined);
    backlog.push(socket);
    const timer = new AbortController();
    isFull = await Promise.race([
      once(socket, 'connect', timer).then(() => false),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 200)),
    ]);
    timer.abort();
  }
  return {
    address: `127.0.0.1:${own}`,
    hear: () => {
      for (const socket of backlog) socket.destroy();
      child.kill('SIGCONT');
    },
    close: () => child.kill('SIGKILL'),
  };
}
