import { fromBinary, toJson } from '@bufbuild/protobuf';
import { findOperationMethod } from '../descriptors/operation-method';
import type { DescriptorRegistry } from '../descriptors/registry';
import { OptionError } from '../model/options';
import { checkScript, type CheckedScript } from './check-script';
import type { Script } from './script';

/** A method with a reply. */
export interface StartMethod {
  /** With the leading slash. */
  path: string;
  /** The script for a request, checked. Throws when the reply throws or its script is wrong. */
  script(request: Uint8Array): CheckedScript;
}

/** Throws an OptionError when no descriptor has the method at `path`, or when it does not return an operation. */
export function startMethod<Q, R, M>(
  path: string,
  reply: (request: Q) => Script<R, M>,
  registry: DescriptorRegistry,
): StartMethod {
  const found = findOperationMethod(registry, path);
  if (typeof found === 'string') {
    throw new OptionError('method', path, `${found} (FakeCloud.start takes \`descriptors\`)`);
  }
  const { method, responseType, metadataType } = found;
  return {
    path: found.path,
    script(request) {
      const json: unknown = toJson(method.input, fromBinary(method.input, request), {
        registry,
        alwaysEmitImplicit: true,
      });
      // That the method's JSON type is what its descriptor describes is the caller's promise; nothing can check it here.
      return checkScript(reply(json as Q), {
        ...(responseType && { response: responseType.typeName }),
        ...(metadataType && { metadata: metadataType.typeName }),
      });
    },
  };
}
