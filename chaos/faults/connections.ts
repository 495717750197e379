import type { ConnectionFault } from '../proxy';
import { placesOf, type Fault } from './fault';

/** Breaks the connections from workers to the cloud. */
export function spoilConnections(fault: ConnectionFault): Fault {
  return async (scene, plan) => {
    const proxies = placesOf(scene, plan).map(({ toCloud }) => toCloud);
    for (const proxy of proxies) await proxy.spoil(fault);
    return async () => {
      for (const proxy of proxies) await proxy.heal();
    };
  };
}
