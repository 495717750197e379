import type { DescField, DescMethod } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';

/**
 * How the descriptors of an operation API show which methods start operations, and what these operations result in.
 * The rows for the built-in APIs are below.
 */
export interface StartRules {
  /** The full names of the types that are an operation. A method that returns one of them starts an operation. */
  readonly operations: readonly string[];
  /** Whether a start returns a message with the operation in one of its fields, instead of the operation itself. */
  readonly inField?: boolean;
  /** Services and methods that return operations but start none, such as `a.v1.Operations` or `a.v1.Cloud.GetOperation`. */
  readonly except: readonly string[];
  /** The method option that names the types in the operation: its number, and the numbers of its fields. */
  readonly types?: { readonly option: number; readonly metadata: number; readonly response: number };
  /** The operation does not contain its result, which is a resource to read. */
  readonly reads?: ResourceRules;
  /** Whether a request without this field is invalid. */
  readonly isRequired?: (field: DescField) => boolean;
}

export interface ResourceRules {
  /** The names of methods in the service of `start` that read its resource. The first one that exists counts. */
  readonly methods: (start: DescMethod) => readonly string[];
  /**
   * What has the ID of the resource: the operation, or the start. The reply to the start has it in a field with the name
   * of the field that takes it in the request of the reading method. If it has none, the request of the start has it.
   */
  readonly idFrom: 'operation' | 'start';
}

/** Methods that leave no resource to read. */
const REMOVING = /^(Delete|Purge|Remove|Revoke)/;

/** Types: `(yandex.cloud.api.operation)`. Required fields: `(yandex.cloud.required)`. */
export const YANDEX: StartRules = {
  operations: ['yandex.cloud.operation.Operation'],
  except: ['yandex.cloud.operation.OperationService'],
  types: { option: 87334, metadata: 1, response: 2 },
  isRequired: (field) => fieldOption(field, 101501).includes(1),
};

/** Types: `(google.longrunning.operation_info)`. Required fields: `(google.api.field_behavior)` with `REQUIRED`. */
export const GOOGLE: StartRules = {
  operations: ['google.longrunning.Operation'],
  except: ['google.longrunning.Operations'],
  types: { option: 1049, metadata: 2, response: 1 },
  // An update with a mask may omit what is required of a whole resource, so only the fields of requests count.
  isRequired: (field) => field.parent.name.endsWith('Request') && fieldOption(field, 1052).includes(2),
};

/** `Get` reads the resource by the operation's `resource_id`. */
export const NEBIUS: StartRules = {
  operations: ['nebius.common.v1.Operation', 'nebius.common.v1alpha1.Operation'],
  except: ['nebius.common.v1.OperationService', 'nebius.common.v1alpha1.OperationService'],
  reads: { methods: ({ name }) => (REMOVING.test(name) ? [] : ['Get', 'GetById']), idFrom: 'operation' },
};

/** `CreateNamespace` returns an ID next to the operation, and `GetNamespace` reads the resource. */
export const TEMPORAL_CLOUD: StartRules = {
  operations: ['temporal.api.cloud.operation.v1.AsyncOperation'],
  inField: true,
  except: ['temporal.api.cloud.cloudservice.v1.CloudService.GetAsyncOperation'],
  reads: { methods: ({ name }) => (REMOVING.test(name) ? [] : [name.replace(/^[A-Z][a-z]+/, 'Get')]), idFrom: 'start' },
};

export const ALL_START_RULES: readonly StartRules[] = [YANDEX, GOOGLE, NEBIUS, TEMPORAL_CLOUD];

/** The values of an option that is a bool or a list of enum values, all below 128: one byte each. */
function fieldOption({ proto }: DescField, option: number): number[] {
  return (proto.options?.$unknown ?? []).flatMap(({ no, wireType, data }) => {
    if (no !== option) return [];
    // A packed list begins with its length.
    return [...(wireType === WireType.LengthDelimited ? data.subarray(1) : data)];
  });
}
