import { createHash } from 'crypto';
import type { DescField, DescMethod, DescService } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { wireFields, messageOption, numbersOption, stringOption, type WireField } from '../descriptors/option-values';
import { OptionError } from '../model/check';
import { configurationError } from '../model/failure';
import type { JsonObject } from '../model/snapshot';
import { COMMON_REFUSALS, joinRefusals, OPERATION_ID, type StartRefusals } from '../model/start-refusals';
import type { ApiCall, OperationsApi, RawOperation } from './api';
import { any, decodeMessage, method, status, text } from './envelope';

const SERVICE = 'google.longrunning.Operations';

/** The texts of Google's services. */
export const GOOGLE_REFUSALS: Partial<StartRefusals> = {
  namesOperation: [
    {
      text: new RegExp(`\\boperation ${OPERATION_ID} is currently \\w+ing\\b`, 'i'),
      reason: 'Google Kubernetes Engine: "is currently upgrading cluster …"',
    },
    {
      text: new RegExp(`\\bincompatible operation:? ${OPERATION_ID}`, 'i'),
      reason: 'Google Kubernetes Engine',
    },
  ],
  freesItself: [
    {
      text: /\bper (?:second|minute|hour)\b|Per(?:Second|Minute|Hour)/,
      reason: 'a rate limit, by its name',
    },
    { text: /^Resource has been exhausted/i, reason: 'the text for any quota, most often a rate limit' },
  ],
};

/** Options of the API `google.longrunning`. */
export interface GoogleApiOptions {
  /** The project that pays for the calls, and whose quota they use. @default that of the credentials */
  quotaProject?: string;
}

/** The operations of Google Cloud: `google.longrunning.Operations`, at the host of each service. */
export function googleApi({ quotaProject }: GoogleApiOptions = {}): OperationsApi {
  if (quotaProject !== undefined && (typeof quotaProject !== 'string' || !/^[\x21-\x7e]+$/.test(quotaProject))) {
    throw configurationError('', new OptionError('quotaProject', quotaProject, 'give the ID of a project').message);
  }
  const encode = (name: string, id: string): Uint8Array => method(name, SERVICE).requestSerialize({ name: id });
  return {
    name: 'google',
    get: {
      path: `/${SERVICE}/GetOperation`,
      encode: (id) => encode('GetOperation', id),
      decode: ({ body }) => decodeOperation(body),
    },
    cancel: { path: `/${SERVICE}/CancelOperation`, encode: (id) => encode('CancelOperation', id) },
    starts: {
      operations: ['google.longrunning.Operation'],
      except: [SERVICE],
      types: { option: OPERATION_INFO, metadata: 2, response: 1 },
      // An update with a mask may omit what is required of a whole resource, so only the fields of requests count.
      isRequired: ({ parent, proto }) =>
        parent.name.endsWith('Request') && numbersOption(proto.options, FIELD_BEHAVIOR).includes(REQUIRED),
    },
    decodeStarted: ({ body }) => decodeOperation(body),
    mark: (key, { input }) => {
      const field = input.fields.find(isRequestId);
      return field && { fields: { [field.jsonName]: uuidOf(key) } };
    },
    refusals: joinRefusals(COMMON_REFUSALS, GOOGLE_REFUSALS),
    hostsOf: (_, service) => (service ? hostsOf(service) : []),
    headers: (call) => {
      const params = routingParams(call);
      return {
        ...(params !== '' && { 'x-goog-request-params': params }),
        ...(quotaProject !== undefined && { 'x-goog-user-project': quotaProject }),
      };
    },
  };
}

function decodeOperation(bytes: Buffer): RawOperation {
  const { fields, brokenTexts } = decodeMessage('google.longrunning.Operation', bytes, { name: 'id' });
  const metadata = any(fields.metadata);
  const error = status(fields.error);
  const response = any(fields.response);
  return {
    id: text(fields.name),
    done: fields.done === true,
    ...(metadata && { metadata }),
    ...(error && { error }),
    ...(response && { response }),
    ...(brokenTexts.length > 0 && { brokenTexts }),
  };
}

/** `google.longrunning.operation_info` of MethodOptions, which names the types in the operation. */
const OPERATION_INFO = 1049;
/** `google.api.field_behavior` of FieldOptions: a list of enum values. */
const FIELD_BEHAVIOR = 1052;
const REQUIRED = 2;
/** `google.api.default_host` of ServiceOptions. */
const DEFAULT_HOST = 1049;
/** `google.api.field_info` of FieldOptions, a message whose field 1 is the format. */
const FIELD_INFO = 291403980;
const UUID4 = 1;
/** `google.api.http` of MethodOptions. Its fields 2 to 6 are the paths of the verbs. */
const HTTP = 72295728;
/** `google.api.routing` of MethodOptions: in field 2, messages of a field name (1) and a path template (2). */
const ROUTING = 72295729;

function hostsOf(service: DescService): string[] {
  const host = stringOption(service.proto.options, DEFAULT_HOST) ?? '';
  return /^[a-z0-9.-]+\.googleapis\.com$/.test(host) ? [`${host}:443`] : [];
}

/** AIP-155: a string with the format UUID4, or one that is named `request_id`. */
function isRequestId({ fieldKind, scalar, name, proto }: DescField): boolean {
  if (fieldKind !== 'scalar' || scalar !== ScalarType.STRING) return false;
  const info = messageOption(proto.options, FIELD_INFO);
  return name === 'request_id' || info.some(({ number, value }) => number === 1 && value === UUID4);
}

/** The key itself if it is a UUID, else a UUID that is derived from it. */
function uuidOf(key: string): string {
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(key)) return key;
  const hex = createHash('sha256').update(key).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The header by which Google routes a call to the region or the resource that it is about. */
function routingParams(call: ApiCall): string {
  if ('operationId' in call) return `name=${encodeURIComponent(call.operationId)}`;
  const { method, request } = call;
  const rules = messageOption(method.proto.options, ROUTING);
  const params = new Map(rules.length > 0 ? explicitParams(rules, request) : implicitParams(method, request));
  return [...params].map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join('&');
}

/** By `google.api.routing`: of several rules with one key, the last one that matches counts. */
function explicitParams(rules: WireField[], request: JsonObject): [string, string][] {
  return rules.flatMap<[string, string]>(({ number, bytes }) => {
    if (number !== 2) return [];
    const rule = wireFields(bytes);
    const field = rule.find((one) => one.number === 1)?.text ?? '';
    const template = rule.find((one) => one.number === 2)?.text ?? '';
    const value = valueAt(request, field);
    if (value === '') return [];
    if (template === '') return [[field, value]];
    const [, before = '', key = '', pattern = '**', after = ''] =
      /^(.*)\{(\w+)(?:=([^}]*))?\}(.*)$/.exec(template) ?? [];
    const match = new RegExp(`^${patternOf(before)}(${patternOf(pattern)})${patternOf(after)}$`).exec(value);
    return match?.[1] ? [[key, match[1]]] : [];
  });
}

/** A path template as a regular expression: `*` is one segment, `**` any number of them. */
function patternOf(template: string): string {
  return template.replace(/\*\*|\*|[^*]+/g, (part) => {
    if (part === '**') return '.*';
    return part === '*' ? '[^/]+' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  });
}

/** By the variables in the path of `google.api.http`. */
function implicitParams(method: DescMethod, request: JsonObject): [string, string][] {
  const rule = messageOption(method.proto.options, HTTP);
  const path = rule.find(({ number }) => number >= 2 && number <= 6)?.text ?? '';
  return [...path.matchAll(/\{([\w.]+)(?:=[^}]*)?\}/g)].flatMap<[string, string]>(([, field = '']) => {
    const value = valueAt(request, field);
    return value === '' ? [] : [[field, value]];
  });
}

/** The string at a path such as `instance.display_name`; empty if there is none. */
function valueAt(request: JsonObject, path: string): string {
  const value = path.split('.').reduce<unknown>((at, name) => {
    const fields: JsonObject = typeof at === 'object' && at !== null ? { ...at } : {};
    return fields[name] ?? fields[name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())];
  }, request);
  return typeof value === 'string' ? value : '';
}
