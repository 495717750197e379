import { OptionError } from './check';

const ADDRESS = /^(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?):(\d{1,5})$/i;

/** Checks `host:port` (no scheme, user or path). Throws an OptionError that names `field`. */
export function checkAddress(field: string, value: unknown): string {
  const match = typeof value === 'string' ? ADDRESS.exec(value) : null;
  if (!match || Number(match[3]) < 1 || Number(match[3]) > 65535) {
    throw new OptionError(field, value, 'give "host:port", such as "operation.api.cloud.yandex.net:443"');
  }
  return match[0];
}

/** Whether the address is on this machine, so that plaintext sent to it never crosses a network. */
export function isLoopback(address: string): boolean {
  const host = hostOf(address);
  return host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** The host of `host:port`, in lower case. */
export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).toLowerCase();
}
