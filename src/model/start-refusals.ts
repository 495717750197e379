import { isOperationId } from './options';
import type { AnyJson } from './snapshot';

// Error texts with which clouds refuse starts. Most errors have no details that a program could read instead.

/** How much of a message is matched: the relevant part comes first, and matching time grows faster than the text. */
const MAXIMUM_MATCHED_LENGTH = 2_000;

/** An error text, and the reason why it belongs to its table. */
interface Row {
  text: RegExp;
  reason: string;
}

/** What a detail of an error says about a start. */
export interface DetailSays {
  /** Whether the call may be retried. */
  verdict?: 'busy' | 'refused';
  /** The id of the conflicting operation. */
  conflict?: string;
  /** The violations of exceeded quotas. */
  quotas?: readonly unknown[];
}

/** The error texts of an API's services, and their details. */
export interface StartRefusals {
  /** Texts that name the conflicting operation, with any status code. */
  namesConflict: readonly Row[];
  /** Texts that name the conflicting operation, with a status code that clouds use for conflicts on a resource. */
  namesOperation: readonly Row[];
  /** Texts with the same status codes that do not name the conflicting operation. */
  saysInProgress: readonly Row[];
  /** Texts of RESOURCE_EXHAUSTED, and names of exceeded quotas, for limits that free up without intervention. */
  freesItself: readonly Row[];
  /** Texts of RESOURCE_EXHAUSTED for limits that someone has to raise or to free up. */
  needsSomebody: readonly Row[];
  /** Reads details by type, such as `acme.v1.ErrorDetail`. The details of google.rpc are always read. */
  details: Readonly<Record<string, (detail: AnyJson) => DetailSays>>;
}

/** The texts of several tables, and the details that they read. */
export function joinRefusals(...tables: readonly Partial<StartRefusals>[]): StartRefusals {
  const all = (name: Exclude<keyof StartRefusals, 'details'>): Row[] => tables.flatMap((table) => table[name] ?? []);
  return {
    namesConflict: all('namesConflict'),
    namesOperation: all('namesOperation'),
    saysInProgress: all('saysInProgress'),
    freesItself: all('freesItself'),
    needsSomebody: all('needsSomebody'),
    details: Object.assign({}, ...tables.map(({ details }) => details)) as StartRefusals['details'],
  };
}

/** An id: quoted, or a word that contains a digit. "operation is in progress" names no id. */
export const OPERATION_ID = /(?:["'`](?<quoted>[^"'`\s]+)["'`]|(?<bare>[\w./:-]*\d[\w./:-]*))/.source;

/** Texts that are common to many clouds. */
export const COMMON_REFUSALS: StartRefusals = {
  namesConflict: [],
  namesOperation: [
    {
      text: new RegExp(
        `\\boperation ${OPERATION_ID} is (?:already |still |currently )*(?:in progress|running|pending)`,
        'i',
      ),
      reason: 'the operation is in progress',
    },
    {
      text: new RegExp(`\\b(?:running|active|pending|unfinished|ongoing) operation:? ${OPERATION_ID}`, 'i'),
      reason: 'the operation is in progress',
    },
  ],
  saysInProgress: [
    { text: /\banother (?:\w+ )?operation\b/i, reason: '"another operation is in progress"' },
    {
      text: /(?<!\bno )\boperations? (?:(?:is|are|was|already|still|currently) )*(?:in progress|running|pending)/i,
      reason: '"operation already in progress"',
    },
    {
      text: /\bha(?:s|ve) (?:other |already )?(?:running|active|pending|unfinished|ongoing) operations?/i,
      reason: '"cluster has running operations"',
    },
    {
      text: /\bconcurrent (?:operation|modification|update|change)/i,
      reason: 'another client is changing the resource',
    },
    { text: /\btry (?:it )?again (?:later|once|when|after)/i, reason: 'the cloud asks for a retry' },
  ],
  freesItself: [
    {
      text: /\bconcurrent[ ._-](?:\w+[ ._-])?(?:operations|requests)/i,
      reason: 'other operations end; a quota of Google Kubernetes Engine and Compute Engine',
    },
    { text: /\btoo many (?:\w+ )?(?:requests|operations|calls)/i, reason: 'the wording of HTTP 429' },
    { text: /\brate[ ._-]?limit|\b(?:request|query|call|api)s? rate\b/i, reason: 'a rate limit' },
    { text: /\bthrottl/i, reason: 'a rate limit' },
    { text: /\b(?:try|retry) (?:it )?(?:again )?(?:later|after|in)\b/i, reason: 'the cloud asks for a retry' },
  ],
  needsSomebody: [
    { text: /quota/i, reason: '"Quota limit compute.instances.count exceeded"' },
    {
      text: /\b(?:number|count|size|amount) of .*(?:exceed|reach)|\b(?:exceed|reach)\w* .*\b(?:number|count|size|amount) of /i,
      reason: '"The maximum number of networks is reached"',
    },
    { text: /message larger than max/i, reason: 'a request of this size is always refused' },
  ],
  details: {},
};

export function matches(table: readonly Row[], message: string): boolean {
  const beginning = message.slice(0, MAXIMUM_MATCHED_LENGTH);
  return table.some(({ text }) => text.test(beginning));
}

/** The id of the operation that a message names; undefined if it names none. */
export function idIn(table: readonly Row[], message: string): string | undefined {
  const beginning = message.slice(0, MAXIMUM_MATCHED_LENGTH);
  for (const { text } of table) {
    const { quoted, bare } = text.exec(beginning)?.groups ?? {};
    const id = quoted ?? bare?.replace(/[.,;:]+$/, '');
    if (isOperationId(id)) return id;
  }
  return undefined;
}
