import { findOperationMethod } from '../descriptors/operation-method';
import type { DescriptorRegistry } from '../descriptors/registry';
import { configurationError, toApplicationFailure } from '../model/failure';
import type { OperationSnapshot } from '../model/snapshot';
import { nameOf } from '../model/texts';

/**
 * Checks that the response of a finished operation is what the method at `path` promises, so that a typed caller gets
 * the type it was compiled for. Throws `OperationConfigurationError` when the method is not in the descriptors, and
 * `OperationUnreadable`, with the operation, for a response of another type or one that cannot be read.
 */
export function checkResponseType(operation: OperationSnapshot, path: string, registry: DescriptorRegistry): void {
  if (operation.state !== 'succeeded') return;
  const found = findOperationMethod(registry, path);
  if (typeof found === 'string') throw configurationError(operation.cloud, `method: ${found}`, operation.id);
  const expected = found.responseType?.typeName;
  const { '@type': type, problem, base64 } = operation.response;
  const actual = type.slice(type.lastIndexOf('/') + 1);
  const mismatch =
    expected !== undefined && expected !== actual
      ? `is a ${actual}, where ${path} promises a ${expected}: the operation was started by another method`
      : typeof problem === 'string' && typeof base64 === 'string'
        ? `cannot be read: ${problem}`
        : undefined;
  if (mismatch === undefined) return;
  throw toApplicationFailure({
    type: 'OperationUnreadable',
    cloud: operation.cloud,
    operationId: operation.id,
    message: `${nameOf(operation)} succeeded, but its response ${mismatch}`,
    details: [],
    operation,
  });
}
