import { setTimeout as sleep } from 'timers/promises';
import { message } from '../apis/envelope';
import type { DescriptorRegistry } from '../descriptors/registry';
import { statusCode, type AnyJson } from '../model/snapshot';
import type { CheckedEffect } from './check-script';
import type { CheckedError } from './check-script';
import { statusFields } from './dialects/fields';
import { toRawStatus } from './raw-operation';
import { CallFailure, type OutgoingReply } from './server';

/** The longest delay that a Node.js timer takes. */
const MAXIMUM_SLEEP_MS = 2 ** 31 - 1;

/** Answers a call with `work` and applies `effect`. Rejects with the CallFailure that the caller is to get. */
export async function spoil(
  effect: CheckedEffect | undefined,
  work: () => OutgoingReply | Promise<OutgoingReply>,
  registry: DescriptorRegistry,
  signal: AbortSignal,
): Promise<OutgoingReply> {
  if (!effect) return work();
  if ('code' in effect) throw callFailure(withRetryInfo(effect), registry);
  if ('hang' in effect) {
    try {
      return await work();
    } finally {
      await sleep(Math.min(effect.hang, MAXIMUM_SLEEP_MS), undefined, { signal }).catch(() => undefined);
    }
  }
  const reply = await work();
  if ('body' in effect) return { ...reply, body: Buffer.from(effect.body, 'base64') };
  throw new CallFailure(statusCode('UNAVAILABLE'), 'the connection broke before the reply');
}

/** The failure of a call, with its google.rpc.Status in the trailers. */
export function callFailure(error: CheckedError, registry: DescriptorRegistry): CallFailure {
  const status = message('google.rpc.Status').serialize(statusFields(toRawStatus(error, registry)));
  return new CallFailure(error.code, error.message ?? '', status);
}

function withRetryInfo({ retryAfter, ...error }: CheckedError & { retryAfter?: number }): CheckedError {
  if (retryAfter === undefined) return error;
  const retryInfo: AnyJson = { '@type': 'google.rpc.RetryInfo', retryDelay: `${retryAfter / 1000}s` };
  return { ...error, details: [...(error.details ?? []), retryInfo] };
}
