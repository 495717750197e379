import { deflateRawSync, inflateRawSync } from 'zlib';
import { OptionError } from '../model/check';
import { checkScript, type CheckedOperation } from './check-script';

const MAXIMUM_ID_BYTES = 512;
/** Limits a script's JSON, so that a forged id cannot exhaust memory. */
const MAXIMUM_SCRIPT_BYTES = 256 * 1024;
const TIME_BYTES = 6;
/** Creation time and checksum. */
const HEAD_BYTES = TIME_BYTES + 1;

/** The contents of an operation's id. */
export interface ReadOperationId {
  script: CheckedOperation;
  /** Epoch milliseconds; undefined if the time was not known when the id was written. */
  createdAt?: number;
}

/**
 * Returns an id that encodes the operation, so that any FakeCloud can run it. The id is the base64url of four parts:
 * the creation time, so that ids sort by it and begin with a letter; a checksum; `sequence`, which distinguishes
 * operations with the same time and script; and the script's JSON, deflated. Throws an OptionError if the id exceeds
 * 512 bytes.
 */
export function writeOperationId(script: CheckedOperation, sequence: number, createdAt?: number): string {
  const json = JSON.stringify(script);
  const deflated = deflateRawSync(Buffer.from(json), { level: 9, dictionary: DICTIONARY });
  const bytes = Buffer.concat([Buffer.alloc(HEAD_BYTES), varint(sequence), deflated]);
  bytes.writeUIntBE(createdAt === undefined ? 0 : createdAt + 1, 0, TIME_BYTES);
  bytes.writeUInt8(checksum(bytes), TIME_BYTES);
  const id = bytes.toString('base64url');
  if (id.length <= MAXIMUM_ID_BYTES) return id;
  throw new OptionError(
    'script',
    json,
    `the operation's id carries it, and would have ${id.length} bytes where ${MAXIMUM_ID_BYTES} is the limit: shorten its texts, or leave out fields, stages, faults or details`,
  );
}

/** Undefined for an id that {@link writeOperationId} did not write. */
export function readOperationId(id: string): ReadOperationId | undefined {
  const bytes = Buffer.from(id, 'base64url');
  // Base64 decoding is lenient: without this check, several ids would denote one operation.
  if (bytes.length <= HEAD_BYTES || bytes.toString('base64url') !== id) return undefined;
  if (bytes[TIME_BYTES] !== checksum(bytes)) return undefined;
  const time = bytes.readUIntBE(0, TIME_BYTES);
  let start = HEAD_BYTES;
  while ((bytes[start] ?? 0) >= 0x80) start++;
  try {
    const options = { dictionary: DICTIONARY, maxOutputLength: MAXIMUM_SCRIPT_BYTES };
    const script = checkScript(JSON.parse(inflateRawSync(bytes.subarray(start + 1), options).toString()));
    if ('refuse' in script) return undefined;
    return { script, ...(time > 0 && { createdAt: time - 1 }) };
  } catch {
    return undefined;
  }
}

/** The checksum of all bytes except its own. */
function checksum(bytes: Buffer): number {
  return bytes.reduce((sum, byte, i) => (i === TIME_BYTES ? sum : (sum * 31 + byte + 1) & 0xff), 0);
}

/** Encodes seven bits per byte, lowest first. The high bit says that another byte follows. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/**
 * Texts that scripts are likely to contain, the likeliest last. Deflate encodes any part of them in about three bytes,
 * fewer towards the end. Ids written with another dictionary cannot be read.
 */
const DICTIONARY = Buffer.from(
  [
    '"type.googleapis.com/',
    '{"@type":"google.rpc.BadRequest","fieldViolations":[{"field":"","description":"',
    '{"@type":"google.rpc.RequestInfo","requestId":"',
    '{"@type":"google.rpc.ErrorInfo","reason":"","domain":"',
    '{"@type":"yandex.cloud.quota.QuotaFailure","violations":[{"metric":{"name":"","limit":"","usage":,"required":"',
    '{"@type":"google.protobuf.StringValue","value":"',
    '{"@type":"google.protobuf.Struct","value":{"',
    '","base64":"',
    'The limit on maximum number of active operations has exceeded.',
    ',"pollInterval":',
    ',"onCancel":"completes"',
    ',"onCancel":"ignores"',
    ',"onCancel":{"cancelsAfter":',
    ',"onCancel":{"refuses":{"code":12,"message":"',
    ',"onCancel":{"overwrittenBy":{"code":13,"message":"internal error"},"after":',
    ',"faults":[{"calls":1,"code":14},{"on":"Cancel","calls":',
    ',"faults":[{"on":"Get","calls":1,"code":14,"message":"","retryAfter":',
    '"lostReply":true}]',
    '"hang":',
    '"body":"',
    ',"rollback":',
    '{"@type":"yandex.cloud.',
    ',"error":{"code":8,"message":"","details":[{"@type":"google.rpc.',
    ',"description":"Delete node group","metadata":{"@type":"fakecloud.v1.DeleteNodeGroupMetadata","nodeGroupId":"nodegroup-',
    ',"description":"Delete cluster","metadata":{"@type":"fakecloud.v1.DeleteClusterMetadata","clusterId":"cluster-',
    ',"description":"Delete network","metadata":{"@type":"fakecloud.v1.DeleteNetworkMetadata","networkId":"network-',
    ',"description":"Update cluster","metadata":{"@type":"fakecloud.v1.UpdateClusterMetadata","clusterId":"cluster-',
    ',"description":"Create node group","metadata":{"@type":"fakecloud.v1.CreateNodeGroupMetadata","nodeGroupId":"nodegroup-',
    '"},"response":{"@type":"fakecloud.v1.NodeGroup","id":"nodegroup-","name":"","clusterId":"cluster-","size":"3"}}',
    ',"description":"Create network","metadata":{"@type":"fakecloud.v1.CreateNetworkMetadata","networkId":"network-',
    '"},"response":{"@type":"fakecloud.v1.Network","id":"network-","name":"","folderId":"folder"}}',
    ',"description":"Create cluster","metadata":{"@type":"fakecloud.v1.CreateClusterMetadata","clusterId":"cluster-',
    '","progressPercentage":0,"step":"allocating machines"},"stages":[{"at":500,"metadata":{"@type":"fakecloud.v1.CreateClusterMetadata","clusterId":"cluster-',
    '","progressPercentage":40,"step":"starting the control plane"}},{"at":1500,"metadata":',
    '","progressPercentage":80,"step":"joining the network"}}]',
    ',"response":{"@type":"fakecloud.v1.Cluster","id":"cluster-","name":"","networkId":"network-","status":"RUNNING","version":"1.31"}}',
    '"},"response":{"@type":"google.protobuf.Empty"}}',
    '{"after":1000,"description":"',
  ].join(''),
);
