import { fromJson, toBinary, type DescMessage, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { UnaryMethod } from 'temporal-lro/workflow';
import { bytesToJson } from '../../src/descriptors/any-to-json';
import { loadDescriptors } from '../../src/descriptors/load';
import { statusCode, type StatusCodeName } from '../../src/model/snapshot';
import { CallFailure, UnaryServer, type IncomingCall } from '../../src/testing/server';

// A cloud with disks, whose methods read and change them without operations.

const field = (number: number, name: string, type: string, more: JsonObject = {}): JsonObject => ({
  name,
  number,
  label: 'LABEL_OPTIONAL',
  ...(type.endsWith('.Status')
    ? { type: 'TYPE_ENUM', typeName: type }
    : type.startsWith('.')
      ? { type: 'TYPE_MESSAGE', typeName: type }
      : { type: `TYPE_${type.toUpperCase()}` }),
  ...more,
});
const repeated = { label: 'LABEL_REPEATED' };
const method = (name: string, outputType: string, more: JsonObject = {}): JsonObject => ({
  name,
  inputType: '.disks.v1.DiskRequest',
  outputType,
  ...more,
});

const FILE: JsonObject = {
  name: 'disks.proto',
  package: 'disks.v1',
  syntax: 'proto3',
  dependency: [
    ...['timestamp', 'struct', 'any'].map((name) => `google/protobuf/${name}.proto`),
    'yandex/cloud/operation/operation.proto',
  ],
  messageType: [
    {
      name: 'Disk',
      field: [
        field(1, 'id', 'string'),
        field(2, 'status', '.disks.v1.Disk.Status'),
        field(3, 'size', 'int64'),
        field(4, 'hosts', '.disks.v1.Host', repeated),
        field(5, 'created_at', '.google.protobuf.Timestamp'),
        field(6, 'labels', '.disks.v1.Disk.LabelsEntry', repeated),
        field(7, 'placement', '.disks.v1.Host'),
        field(8, 'tags', 'string', repeated),
        field(9, 'free_form', '.google.protobuf.Struct'),
        field(10, 'detail', '.google.protobuf.Any'),
      ],
      enumType: [
        {
          name: 'Status',
          value: ['STATUS_UNSPECIFIED', 'CREATING', 'READY', 'ERROR'].map((name, number) => ({ name, number })),
        },
      ],
      nestedType: [
        {
          name: 'LabelsEntry',
          field: [field(1, 'key', 'string'), field(2, 'value', 'string')],
          options: { mapEntry: true },
        },
      ],
    },
    { name: 'Host', field: [field(1, 'name', 'string'), field(2, 'is_healthy', 'bool')] },
    { name: 'DiskRequest', field: [field(1, 'disk_id', 'string'), field(2, 'size', 'int64')] },
  ],
  service: [
    {
      name: 'DiskService',
      method: [
        method('Get', '.disks.v1.Disk'),
        method('Resize', '.disks.v1.Disk'),
        method('Touch', '.disks.v1.Disk', { options: { idempotencyLevel: 'IDEMPOTENT' } }),
        method('Peek', '.disks.v1.Disk', { options: { idempotencyLevel: 'NO_SIDE_EFFECTS' } }),
        method('GetStream', '.disks.v1.Disk', { serverStreaming: true }),
        method('Create', '.yandex.cloud.operation.Operation'),
      ],
    },
  ],
};

export const DISK_DESCRIPTORS = toBinary(FileDescriptorSetSchema, fromJson(FileDescriptorSetSchema, { file: [FILE] }));
export const diskRegistry = loadDescriptors([DISK_DESCRIPTORS]);

/** What `generate` would write for these messages. */
export interface Disk {
  id: string;
  status: 'STATUS_UNSPECIFIED' | 'CREATING' | 'READY' | 'ERROR';
  size: string;
  hosts: { name: string; isHealthy: boolean }[];
  createdAt?: string;
  labels: { [key: string]: string };
  placement?: { name: string; isHealthy: boolean };
  tags: string[];
}
export interface DiskRequest {
  diskId?: string;
  size?: string;
}

const SERVICE = '/disks.v1.DiskService';
const disk = (name: string): UnaryMethod<DiskRequest, Disk> => ({ path: `${SERVICE}/${name}` });
export const DiskService = { get: disk('Get'), resize: disk('Resize'), touch: disk('Touch'), peek: disk('Peek') };

/** A reply: a disk as JSON, or the bytes of the reply. */
export type DiskReply = JsonObject | Buffer;

/** A call that a {@link DiskCloud} received. */
export interface DiskCall {
  method: string;
  diskId: string;
  at: number;
  key: string | undefined;
  headers: readonly string[];
}

/** Gets the number of the call with that disk, from 1, and the call. */
type Answer = (count: number, call: IncomingCall) => DiskReply | Promise<DiskReply>;

/** The cloud's server. Unless a test sets answers, there are no disks. */
export class DiskCloud {
  readonly calls: DiskCall[] = [];
  readonly #answers = new Map<string, Answer>();
  readonly #server = new UnaryServer();
  address = '';

  static async start(): Promise<DiskCloud> {
    const cloud = new DiskCloud();
    for (const name of ['Get', 'Resize', 'Touch', 'Peek']) {
      cloud.#server.answer(`${SERVICE}/${name}`, async (call) => ({ body: await cloud.#answer(name, call) }));
    }
    cloud.address = await cloud.#server.listen(0);
    return cloud;
  }

  /** Sets what every method answers for a disk. */
  on(diskId: string, answer: Answer): void {
    this.#answers.set(diskId, answer);
  }

  callsFor(diskId: string): DiskCall[] {
    return this.calls.filter((call) => call.diskId === diskId);
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  async #answer(name: string, call: IncomingCall): Promise<Buffer> {
    const { diskId = '' } = bytesToJson(schemaOf('disks.v1.DiskRequest'), call.body, diskRegistry) as DiskRequest;
    const { headerNames: headers } = call;
    this.calls.push({ method: name, diskId, at: Date.now(), key: call.header('idempotency-key'), headers });
    const answer = this.#answers.get(diskId);
    if (!answer) throw status('NOT_FOUND', `Disk ${diskId} not found`);
    const reply = await answer(this.callsFor(diskId).length, call);
    return Buffer.isBuffer(reply) ? reply : diskBytes(reply);
  }
}

/** A gRPC error. */
export function status(code: StatusCodeName, message = 'no reason'): CallFailure {
  return new CallFailure(statusCode(code), message);
}

export function diskBytes(json: JsonValue): Buffer {
  const schema = schemaOf('disks.v1.Disk');
  return Buffer.from(toBinary(schema, fromJson(schema, json, { registry: diskRegistry })));
}

/** Answers when the caller is gone. */
export function hang({ signal }: IncomingCall): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(status('CANCELLED'))));
}

function schemaOf(typeName: string): DescMessage {
  const schema = diskRegistry.getMessage(typeName);
  if (!schema) throw new Error(`There is no ${typeName}`);
  return schema;
}
