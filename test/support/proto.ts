import { join } from 'node:path';

/** Where the build writes the descriptor sets of proto/: envelope.binpb and fakecloud.binpb. */
export const PROTO_DIRECTORY = join(__dirname, '..', '..', 'proto');
