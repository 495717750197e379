import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { method } from '../src/apis/envelope';

const GET = method('Get');

/** A malformed or unusual reply that a cloud may give, and how the wait must end after it. */
export interface HostileEnd {
  body(id: string, name: string): Buffer;
  ends: 'succeeded' | 'failed' | 'unreadable';
  /** What the failure's message must contain. */
  tells?: string;
}

interface RawAny {
  type_url: string;
  value: Uint8Array;
}

const any = (type: string, value: Uint8Array): RawAny => ({ type_url: `type.googleapis.com/${type}`, value });
const CLUSTER = 'fakecloud.v1.Cluster';
/** A field that holds a text, bytes or a message. */
const field = (number: number, value: Uint8Array): Uint8Array =>
  new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(value).finish();

function cluster(name: string, ...more: Uint8Array[]): RawAny {
  return any(CLUSTER, Buffer.concat([field(1, Buffer.from(name)), ...more]));
}

const done = (id: string, operation: object): Buffer => GET.responseSerialize({ id, done: true, ...operation });
const MEGABYTES = 5_000_000;
/** A google.protobuf.Timestamp of the year 10000, which canonical JSON cannot write. */
const YEAR_10000 = any(
  'google.protobuf.Timestamp',
  new BinaryWriter().tag(1, WireType.Varint).int64(253_402_300_800).finish(),
);
/** A google.protobuf.Value with the number NaN. */
const NAN_VALUE = new BinaryWriter().tag(2, WireType.Bit64).double(NaN).finish();
/** A list in a list in a list, more than a hundred deep. */
const DEEP_VALUE = Array.from({ length: 150 }).reduce<Uint8Array>((inner) => field(6, field(1, inner)), NAN_VALUE);

/** Ends of operations, by name. */
export const HOSTILE_ENDS = {
  'description of 5 MB': {
    ends: 'succeeded',
    body: (id, name) => done(id, { description: 'x'.repeat(MEGABYTES), response: cluster(name) }),
  },
  'error message of 5 MB': {
    ends: 'failed',
    body: (id) => done(id, { error: { code: 9, message: 'x'.repeat(MEGABYTES), details: [] } }),
  },
  '40,000 details': {
    ends: 'failed',
    body: (id) => {
      const detail = any('google.protobuf.StringValue', field(1, Buffer.from('detail')));
      return done(id, { error: { code: 9, message: 'so many', details: new Array(40_000).fill(detail) } });
    },
  },
  'metadata of the year 10000': {
    ends: 'succeeded',
    body: (id, name) => done(id, { metadata: YEAR_10000, response: cluster(name) }),
  },
  'metadata with NaN': {
    ends: 'succeeded',
    body: (id, name) => done(id, { metadata: any('google.protobuf.Value', NAN_VALUE), response: cluster(name) }),
  },
  'metadata that is too deep': {
    ends: 'succeeded',
    body: (id, name) => done(id, { metadata: any('google.protobuf.Value', DEEP_VALUE), response: cluster(name) }),
  },
  'metadata of an unknown type': {
    ends: 'succeeded',
    body: (id, name) => done(id, { metadata: any('unheard.of.Type', Buffer.from('x')), response: cluster(name) }),
  },
  'response with invalid UTF-8': {
    ends: 'succeeded',
    body: (id, name) => done(id, { response: cluster(name, field(2, Buffer.from([0x66, 0xff, 0xfe]))) }),
  },
  'response of 5 MB': {
    ends: 'unreadable',
    body: (id, name) => done(id, { response: cluster(name, field(2, Buffer.alloc(MEGABYTES, 'x'))) }),
  },
  'error with code 0': {
    ends: 'failed',
    tells: 'disk caught fire',
    body: (id) => done(id, { error: { code: 0, message: 'disk caught fire', details: [] } }),
  },
  'neither response nor error': { ends: 'unreadable', body: (id) => done(id, {}) },
  'both error and response': {
    ends: 'succeeded',
    // For a oneof, the last member on the wire counts.
    body: (id, name) =>
      Buffer.concat([
        done(id, { error: { code: 9, message: 'not this one', details: [] } }),
        GET.responseSerialize({ response: cluster(name) }),
      ]),
  },
} satisfies Record<string, HostileEnd>;

export type HostileEndName = keyof typeof HOSTILE_ENDS;

/** Replies to Get for an operation in progress. The wait must survive them. */
export const HOSTILE_REPLIES: readonly ((id: string) => Buffer)[] = [
  () => Buffer.alloc(0),
  () => Buffer.from('this is no message'),
  () => GET.responseSerialize({ id: 'another-operation' }),
  (id) => GET.responseSerialize({ id, description: 'x'.repeat(MEGABYTES) }),
  (id) => GET.responseSerialize({ id, metadata: YEAR_10000 }),
  (id) => GET.responseSerialize({ id, metadata: any('google.protobuf.Value', DEEP_VALUE) }),
];
