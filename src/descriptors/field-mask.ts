import type { DescField, DescMessage } from '@bufbuild/protobuf';

/**
 * Resolves the paths of a FieldMask in a request to proto field names, or returns the first path that names no field.
 * Canonical JSON has only lowerCamelCase and cannot express names such as `mongodb_5_0`, so paths are resolved against
 * the message that contains the mask, in both spellings.
 */
export function resolveFieldMask(
  parent: DescMessage,
  mask: readonly string[],
): { paths: string[] } | { unknown: string } {
  const paths: string[] = [];
  for (const path of mask) {
    const resolved = resolvePath(parent, path) ?? resolveWithinResource(parent, path);
    if (resolved === undefined) return { unknown: path };
    paths.push(resolved);
  }
  return { paths };
}

/** The paths that a caller gave: one comma-separated string, as in canonical JSON, or a list of strings. */
export function maskPaths(value: unknown): string[] | undefined {
  if (typeof value === 'string') return value === '' ? [] : value.split(',').map((path) => path.trim());
  return Array.isArray(value) && value.every((path) => typeof path === 'string') ? value : undefined;
}

function findField(message: DescMessage, name: string): DescField | undefined {
  return message.fields.find((field) => field.name === name || field.jsonName === name);
}

function resolvePath(root: DescMessage, path: string): string | undefined {
  const names: string[] = [];
  let message: DescMessage | undefined = root;
  let isMapKey = false;
  for (const segment of path.split('.')) {
    if (isMapKey) {
      names.push(segment);
      continue;
    }
    const field: DescField | undefined = message && findField(message, segment);
    if (!field) return undefined;
    names.push(field.name);
    isMapKey = field.fieldKind === 'map';
    message = field.fieldKind === 'message' ? field.message : undefined;
  }
  return names.join('.');
}

/** If the request wraps the resource, as in Google's style, paths are relative to the resource. */
function resolveWithinResource(parent: DescMessage, path: string): string | undefined {
  for (const field of parent.fields) {
    const resolved = field.fieldKind === 'message' ? resolvePath(field.message, path) : undefined;
    if (resolved !== undefined) return resolved;
  }
  return undefined;
}
