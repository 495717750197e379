import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema, FieldMaskSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials } from '@grpc/grpc-js';
import { FakeCloud } from 'temporal-lro/testing';
import { anyToJson } from '../src/descriptors/any-to-json';
import { loadDescriptors } from '../src/descriptors/load';
import { PROTO_DIRECTORY } from './support/proto';

const TYPE = 'type.googleapis.com/fakecloud.v1.UpdateClusterRequest';
/** Canonical JSON, which uses camel case, can write the first path only. */
const PATHS = ['config.size_bytes', 'config.mongodb_5_0', 'x__y'];
const WRITTEN = 'config.sizeBytes,config.mongodb_5_0,x__y';
const mask = toBinary(FieldMaskSchema, create(FieldMaskSchema, { paths: PATHS }));
const text = (number: number, value: Uint8Array): Buffer => Buffer.from([(number << 3) | 2, value.length, ...value]);
const request = Buffer.concat([text(1, Buffer.from('c1')), text(2, mask)]);
const registry = loadDescriptors([join(PROTO_DIRECTORY, 'fakecloud.binpb')]);

test('a path that camel case cannot write keeps its original name, and the rest of the message is unchanged', () => {
  expect(anyToJson({ typeUrl: TYPE, value: request }, registry)).toMatchObject({
    clusterId: 'c1',
    updateMask: WRITTEN,
  });
  const typeUrl = 'type.googleapis.com/google.protobuf.FieldMask';
  const any = toBinary(AnySchema, create(AnySchema, { typeUrl, value: mask }));
  expect(anyToJson({ typeUrl: 'x/google.protobuf.Any', value: any }, registry)).toMatchObject({
    value: { '@type': typeUrl, value: WRITTEN },
  });
});

test('FakeCloud reads a request with such a path', async () => {
  await using cloud = await FakeCloud.start();
  const seen = new Promise<unknown>((resolve) => {
    cloud.on('/fakecloud.v1.ClusterService/Update').reply((json) => {
      resolve(json);
      return { response: { '@type': 'google.protobuf.Empty' } };
    });
  });
  const client = new Client(cloud.address, credentials.createInsecure());
  const identity = (bytes: Buffer): Buffer => bytes;
  await new Promise<void>((resolve, reject) =>
    client.makeUnaryRequest('/fakecloud.v1.ClusterService/Update', identity, identity, request, (err) =>
      err ? reject(err) : resolve(),
    ),
  );
  client.close();
  expect(await seen).toMatchObject({ clusterId: 'c1', updateMask: WRITTEN });
});
