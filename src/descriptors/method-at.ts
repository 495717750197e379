import type { DescMethod } from '@bufbuild/protobuf';
import type { DescriptorRegistry } from './registry';

/** The method at `path` (with or without the leading slash), or a text that says why there is none. */
export function methodAt(registry: DescriptorRegistry, path: string): DescMethod | string {
  const [, serviceName = '', methodName = ''] = /^\/?([\w.]+)\/(\w+)$/.exec(path) ?? [];
  if (serviceName === '') return `${JSON.stringify(path)} is not a method path: give "/package.Service/Method"`;
  const service = registry.getService(serviceName);
  if (!service) return `no service ${serviceName} in the descriptors of this cloud: add the set that has it`;
  return (
    service.methods.find(({ name }) => name === methodName) ??
    `${serviceName} has no method ${methodName}; it has ${service.methods.map(({ name }) => name).join(', ')}`
  );
}
