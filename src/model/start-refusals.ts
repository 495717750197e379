import { isOperationId } from './options';

// Error texts with which clouds refuse starts. Most errors have no details that a program could read instead.

/** How much of a message is matched: the relevant part comes first, and matching time grows faster than the text. */
const MAXIMUM_MATCHED_LENGTH = 2_000;

/** An error text, and the reason why it belongs to its table. */
interface Row {
  text: RegExp;
  reason: string;
}

/** The error texts of an API's services. */
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
}

/** An id: quoted, or a word that contains a digit. "operation is in progress" names no id. */
const ID = /(?:["'`](?<quoted>[^"'`\s]+)["'`]|(?<bare>[\w./:-]*\d[\w./:-]*))/.source;

/** All texts that are known, of any cloud. */
export const KNOWN_REFUSALS: StartRefusals = {
  namesConflict: [
    {
      text: /conflicting operation (?:"(?<quoted>[^"\s]+)"|(?<bare>\S+)) detected/i,
      reason: 'Yandex Cloud, in both spellings that its services use',
    },
  ],
  namesOperation: [
    {
      text: new RegExp(`\\boperation ${ID} is (?:already |still |currently )*(?:in progress|running|pending)`, 'i'),
      reason: 'the operation is in progress',
    },
    {
      text: new RegExp(`\\boperation ${ID} is currently \\w+ing\\b`, 'i'),
      reason: 'Google Kubernetes Engine: "is currently upgrading cluster …"',
    },
    {
      text: new RegExp(`\\b(?:running|active|pending|unfinished|ongoing|incompatible) operation:? ${ID}`, 'i'),
      reason: 'the operation is in progress; "incompatible" is the word of Google Kubernetes Engine',
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
      text: /\bactive[ ._-]operations|operations[ ._-]active/i,
      reason: 'Yandex Compute Cloud limits the concurrent operations of a folder',
    },
    {
      text: /\bconcurrent[ ._-](?:\w+[ ._-])?(?:operations|requests)/i,
      reason: 'other operations end; a quota of Google Kubernetes Engine and Compute Engine',
    },
    { text: /\btoo many (?:\w+ )?(?:requests|operations|calls)/i, reason: 'the wording of HTTP 429' },
    { text: /\brate[ ._-]?limit|\b(?:request|query|call|api)s? rate\b/i, reason: 'a rate limit' },
    {
      text: /\bper (?:second|minute|hour)\b|Per(?:Second|Minute|Hour)/,
      reason: "a rate limit, by Google's name",
    },
    { text: /\bthrottl/i, reason: 'a rate limit' },
    { text: /\b(?:try|retry) (?:it )?(?:again )?(?:later|after|in)\b/i, reason: 'the cloud asks for a retry' },
    { text: /^Resource has been exhausted/i, reason: "Google's text for any quota, most often a rate limit" },
  ],
  needsSomebody: [
    { text: /quota/i, reason: '"Quota limit compute.instances.count exceeded"' },
    {
      text: /\blimits? (?:on|of|for) .*(?:exceed|reach)|\b(?:exceed|reach)\w* .*\blimits? (?:on|of|for) /i,
      reason: '"The limit on total size of network-hdd disks has exceeded"',
    },
    {
      text: /\b(?:number|count|size|amount) of .*(?:exceed|reach)|\b(?:exceed|reach)\w* .*\b(?:number|count|size|amount) of /i,
      reason: '"The maximum number of networks is reached"',
    },
    { text: /message larger than max/i, reason: 'a request of this size is always refused' },
  ],
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
