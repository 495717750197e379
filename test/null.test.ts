import { fromJson, toBinary, type JsonObject } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { anyToJson } from '../src/descriptors/any-to-json';
import { jsonToRequest } from '../src/descriptors/json-to-request';
import { loadDescriptors } from '../src/descriptors/load';

const field = (number: number, name: string, typeName: string): JsonObject => ({
  name,
  number,
  label: 'LABEL_OPTIONAL',
  ...(typeName === '' ? { type: 'TYPE_INT64' } : { type: 'TYPE_MESSAGE', typeName }),
});
const set = fromJson(FileDescriptorSetSchema, {
  file: [
    {
      name: 'a.proto',
      package: 'a',
      syntax: 'proto3',
      dependency: ['google/protobuf/struct.proto'],
      messageType: [
        {
          name: 'Request',
          field: [
            field(1, 'anything', '.google.protobuf.Value'),
            field(2, 'free_form', '.google.protobuf.Struct'),
            field(3, 'child', '.a.Request'),
            field(4, 'size', ''),
          ],
        },
      ],
    },
  ],
});

test('null in a request sets a field of the type google.protobuf.Value, and omits any other field', () => {
  const registry = loadDescriptors([toBinary(FileDescriptorSetSchema, set)]);
  const schema = registry.getMessage('a.Request');
  if (!schema) throw new Error('The type is missing');
  const request = { anything: null, freeForm: { nothing: null }, child: null, size: null };
  const value = jsonToRequest(schema, request, registry);
  const read = anyToJson({ typeUrl: 'x/a.Request', value }, registry);
  expect(read).toMatchObject({ anything: null, freeForm: { nothing: null }, size: '0' });
  expect(read).not.toHaveProperty('child');
});
