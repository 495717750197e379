import { readFileSync } from 'fs';
import { messageOf } from '../model/thrown';
import { CONTRACT_SET } from './contract-set';
import { DescriptorError, DescriptorRegistry } from './registry';

/**
 * A registry of descriptor sets, given as paths or bytes, followed by the built-in set (google.rpc's error details and
 * Yandex's QuotaFailure). Throws a DescriptorError that names a set that cannot be read.
 */
export function loadDescriptors(sets: readonly (string | Uint8Array)[] = []): DescriptorRegistry {
  return readDescriptors(sets).add(Buffer.from(CONTRACT_SET, 'base64'));
}

/** Like {@link loadDescriptors}, but without the built-in set. */
export function readDescriptors(sets: readonly (string | Uint8Array)[]): DescriptorRegistry {
  const registry = new DescriptorRegistry();
  for (const [index, set] of sets.entries()) {
    try {
      registry.add(typeof set === 'string' ? readFileSync(set) : set);
    } catch (err) {
      const reason = messageOf(err);
      const name = typeof set === 'string' ? set : `descriptors[${index}] (${set.length} bytes)`;
      throw new DescriptorError(
        `cannot read ${name}: ${reason}. Give FileDescriptorSets, as "buf build" or "protoc --include_imports --descriptor_set_out" write them`,
      );
    }
  }
  return registry;
}
