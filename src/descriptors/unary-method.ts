import type { DescMethod } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { namesRead } from '../model/unary-call';
import { findMethod, operationMethods } from './operation-method';
import type { DescriptorRegistry } from './registry';
import type { StartRules } from './start-rules';

/** A unary method that starts no operation. */
export interface UnaryMethodInfo {
  /** `/package.Service/Method` */
  path: string;
  method: DescMethod;
  /** What a call does: it changes nothing, or may be repeated without a further effect, or neither is known. */
  effect: 'read' | 'idempotent' | 'change';
}

/** The unary method at `path` of a cloud with these `starts`, or a text that says why it cannot be called. */
export function findUnaryMethod(
  registry: DescriptorRegistry,
  path: string,
  starts: StartRules,
): UnaryMethodInfo | string {
  const method = findMethod(registry, path);
  if (typeof method === 'string') return method;
  if (method.methodKind !== 'unary') return `${path} is a streaming method: only unary methods can be called`;
  if (operationMethods(registry, method.parent, [starts]).some((one) => one.method === method)) {
    return `${path} starts an operation: use execute() or start(), which start it exactly once`;
  }
  return { path: `/${method.parent.typeName}/${method.name}`, method, effect: effectOf(method) };
}

function effectOf({ name, idempotency }: DescMethod): UnaryMethodInfo['effect'] {
  if (namesRead(name) || idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS) return 'read';
  return idempotency === MethodOptions_IdempotencyLevel.IDEMPOTENT ? 'idempotent' : 'change';
}
