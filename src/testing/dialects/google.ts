import { method } from '../../apis/envelope';
import { googleApi } from '../../apis/google';
import { anyFields, statusFields, textOf } from './fields';
import type { ServedApi } from './served-api';

const SERVICE = 'google.longrunning.Operations';

/** Serves `google.longrunning.Operations`. */
export const servedGoogle: ServedApi = {
  api: googleApi(),
  // Both methods have the same wire format.
  readId: (request) => textOf(method('GetOperation', SERVICE).requestDeserialize(request), 'name'),
  encode: ({ id, done, metadata, error, response }) => ({
    body: method('GetOperation', SERVICE).responseSerialize({
      name: id,
      done,
      ...(metadata && { metadata: anyFields(metadata) }),
      ...(done && error && { error: statusFields(error) }),
      ...(response && { response: anyFields(response) }),
    }),
  }),
  encodeCancelled: () => ({ body: method('CancelOperation', SERVICE).responseSerialize({}) }),
  newId: (random, request) => `${locationOf(JSON.stringify(request))}/operations/${random}`,
};

/** The project and location in a request, from `parent` or from the name of a resource. */
function locationOf(request: string): string {
  return /projects\/[^/"]+(?:\/locations\/[^/"]+)?/.exec(request)?.[0] ?? 'projects/fakecloud/locations/local';
}
