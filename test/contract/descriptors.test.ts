import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFileRegistry, fromBinary, type DescMessage, type DescService } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorSetSchema,
  type FieldDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import { yandexApi } from '../../src/apis/yandex';
import { startInteropServer } from '../support/interop';
import { PROTO_DIRECTORY } from '../support/proto';

const PACKAGE = 'yandex.cloud.operation';
const proto = readSet(join(PROTO_DIRECTORY, 'envelope.binpb'));

describe('the descriptors inside the code that Yandex generates', () => {
  let yandex: ReturnType<typeof readSet>;
  beforeAll(async () => {
    const server = await startInteropServer('yandex');
    yandex = readSet(server.descriptorSet);
    await server.close();
  });

  // Proves docs/contract.md: "Both calls require an `operation_id`, a string"
  // Proves docs/contract.md: "An operation has an ID, a description, times, a creator, `done`, metadata and a result"
  // Proves docs/contract.md: "The result is either an error or a response, never both"
  test('have the calls and the messages of proto/, field by field with the same numbers', () => {
    expect(signatures(yandex.service(`${PACKAGE}.OperationService`))).toEqual(
      signatures(proto.service(`${PACKAGE}.OperationService`)),
    );
    for (const name of ['GetOperationRequest', 'CancelOperationRequest', 'Operation']) {
      const [ours, theirs] = [proto, yandex].map((set) => fieldsOf(set.message(`${PACKAGE}.${name}`)));
      expect(ours).toEqual(theirs);
    }
  });

  // Proves docs/contract.md: "An operation has an ID, a description, times, a creator, `done`, metadata and a result"
  test('agree with whatever else proto/ has of theirs', () => {
    const shared = proto.messages.filter(
      ({ typeName }) => yandex.has(typeName) && !typeName.startsWith('google.protobuf.'),
    );
    expect(shared.map(({ typeName }) => typeName)).toEqual(
      expect.arrayContaining(['google.rpc.Status', 'yandex.cloud.quota.QuotaFailure', 'yandex.cloud.api.Operation']),
    );
    for (const ours of shared) {
      expect(fieldsOf(yandex.message(ours.typeName))).toEqual(expect.arrayContaining(fieldsOf(ours)));
    }
  });

  // Proves docs/contract.md: "The service has exactly two calls: `Get` and `Cancel`"
  test('know the calls by the paths that we call', () => {
    const paths = yandex
      .service(`${PACKAGE}.OperationService`)
      .methods.map(({ parent, name }) => `/${parent.typeName}/${name}`);
    expect(paths).toEqual([yandexApi.get.path, yandexApi.cancel?.path]);
  });
});

/** A FileDescriptorSet with the names of its parts; throws when one is missing. */
function readSet(path: string) {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(path)));
  const missing = (name: string): never => {
    throw new Error(`${path} has no ${name}.`);
  };
  return {
    messages: [...registry].filter((type) => type.kind === 'message'),
    has: (name: string) => registry.getMessage(name) !== undefined,
    message: (name: string) => registry.getMessage(name) ?? missing(name),
    service: (name: string) => registry.getService(name) ?? missing(name),
  };
}

const signatures = ({ methods }: DescService) =>
  methods.map(({ name, input, output, methodKind }) => [name, input.typeName, output.typeName, methodKind]);

/** The fields with their numbers and their names on the wire and in JSON. */
function fieldsOf(message: DescMessage) {
  return message.fields.map(({ name, number, jsonName, proto: field, oneof, presence }) => ({
    name,
    number,
    jsonName,
    type: typeOf(field),
    oneof: oneof?.name,
    presence,
  }));
}

function typeOf({ label, type, typeName }: FieldDescriptorProto): string {
  const name = typeName === '' ? FieldDescriptorProto_Type[type].toLowerCase() : typeName.slice(1);
  return label === FieldDescriptorProto_Label.REPEATED ? `repeated ${name}` : name;
}
