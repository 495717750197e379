import { readFileSync } from 'fs';
import { CONTRACT_SET } from './contract-set';
import { DescriptorError, DescriptorRegistry } from './registry';

/**
 * A registry over descriptor sets, given as files or bytes, and over the contract's own (google.rpc's details and
 * Yandex's QuotaFailure), which come last. Throws a DescriptorError that names the set which cannot be read.
 */
export function loadDescriptors(sets: readonly (string | Uint8Array)[] = []): DescriptorRegistry {
  const registry = new DescriptorRegistry();
  for (const [index, set] of sets.entries()) {
    try {
      registry.add(typeof set === 'string' ? readFileSync(set) : set);
    } catch (err) {
      const reason = err instanceof Error ? err.message : String(err);
      const name = typeof set === 'string' ? set : `descriptors[${index}] (${set.length} bytes)`;
      throw new DescriptorError(
        `cannot read ${name}: ${reason}. Give FileDescriptorSets, as "buf build" or "protoc --include_imports --descriptor_set_out" write them`,
      );
    }
  }
  return registry.add(Buffer.from(CONTRACT_SET, 'base64'));
}
