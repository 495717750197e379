import { isOperationId } from './options';

// The texts by which clouds refuse starts: most have no details that a program could read instead.

/** Of a message: what counts stands at its beginning, and matching takes longer than the text grows. */
const MAXIMUM_MATCHED_LENGTH = 2_000;

/** A text that clouds refuse starts with, and why it means what its table says. */
interface Row {
  text: RegExp;
  reason: string;
}

/** In quotes, or a word with a digit in it: "operation is in progress" names none. */
const ID = /(?:["'`](?<quoted>[^"'`\s]+)["'`]|(?<bare>[\w./:-]*\d[\w./:-]*))/.source;

/** Texts of any code that name the operation which is in the way. */
export const NAMES_CONFLICT: readonly Row[] = [
  {
    text: /conflicting operation (?:"(?<quoted>[^"\s]+)"|(?<bare>\S+)) detected/i,
    reason: 'Yandex Cloud, in both spellings that its services use',
  },
];

/** Texts that name it, of the codes by which clouds say that something else goes on with the resource. */
export const NAMES_OPERATION: readonly Row[] = [
  {
    text: new RegExp(`\\boperation ${ID} is (?:already |still |currently )*(?:in progress|running|pending)`, 'i'),
    reason: 'it goes on',
  },
  {
    text: new RegExp(`\\boperation ${ID} is currently \\w+ing\\b`, 'i'),
    reason: 'Google Kubernetes Engine: "is currently upgrading cluster …"',
  },
  {
    text: new RegExp(`\\b(?:running|active|pending|unfinished|ongoing|incompatible) operation:? ${ID}`, 'i'),
    reason: 'it goes on; "incompatible" is what Google Kubernetes Engine says',
  },
];

/** Texts of the same codes about an operation that is not named. */
export const SAYS_IN_PROGRESS: readonly Row[] = [
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
    reason: 'somebody else changes it at the same time',
  },
  { text: /\btry (?:it )?again (?:later|once|when|after)/i, reason: 'the cloud asks to be called again' },
];

/** Texts of RESOURCE_EXHAUSTED, and of what a quota that is exceeded is called, about what frees itself soon. */
export const FREES_ITSELF: readonly Row[] = [
  {
    text: /\bactive[ ._-]operations|operations[ ._-]active/i,
    reason: 'Yandex Compute Cloud begins so many operations in a folder at once',
  },
  {
    text: /\bconcurrent[ ._-](?:\w+[ ._-])?(?:operations|requests)/i,
    reason: 'others end; Google Kubernetes Engine and Compute Engine count these as a quota',
  },
  { text: /\btoo many (?:\w+ )?(?:requests|operations|calls)/i, reason: 'as HTTP says it' },
  { text: /\brate[ ._-]?limit|\b(?:request|query|call|api)s? rate\b/i, reason: 'a limit of requests in some time' },
  {
    text: /\bper (?:second|minute|hour)\b|Per(?:Second|Minute|Hour)/,
    reason: 'a limit of requests in some time, by the name that Google gives it',
  },
  { text: /\bthrottl/i, reason: 'a limit of requests in some time' },
  { text: /\b(?:try|retry) (?:it )?(?:again )?(?:later|after|in)\b/i, reason: 'the cloud asks to be called again' },
  { text: /^Resource has been exhausted/i, reason: 'what Google says of any quota, most often one of requests' },
];

/** Texts of RESOURCE_EXHAUSTED about what somebody has to raise, or to delete something for. */
export const NEEDS_SOMEBODY: readonly Row[] = [
  { text: /quota/i, reason: '"Quota limit compute.instances.count exceeded"' },
  {
    text: /\blimits? (?:on|of|for) .*(?:exceed|reach)|\b(?:exceed|reach)\w* .*\blimits? (?:on|of|for) /i,
    reason: '"The limit on total size of network-hdd disks has exceeded"',
  },
  {
    text: /\b(?:number|count|size|amount) of .*(?:exceed|reach)|\b(?:exceed|reach)\w* .*\b(?:number|count|size|amount) of /i,
    reason: '"The maximum number of networks is reached"',
  },
  { text: /message larger than max/i, reason: 'of this size the request is always refused' },
];

export function matches(table: readonly Row[], message: string): boolean {
  const beginning = message.slice(0, MAXIMUM_MATCHED_LENGTH);
  return table.some(({ text }) => text.test(beginning));
}

/** The id of the operation that a text names; undefined where it names none. */
export function idIn(table: readonly Row[], message: string): string | undefined {
  const beginning = message.slice(0, MAXIMUM_MATCHED_LENGTH);
  for (const { text } of table) {
    const { quoted, bare } = text.exec(beginning)?.groups ?? {};
    const id = quoted ?? bare?.replace(/[.,;:]+$/, '');
    if (isOperationId(id)) return id;
  }
  return undefined;
}
