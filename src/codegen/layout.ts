/** Layout matches prettier with this width and single quotes, so that formatting does not change the output. */
const WIDTH = 120;

export const INDENT = '  ';

/** `line` if it fits, else the lines of `broken`. */
export function fit(line: string, broken: readonly string[]): string[] {
  return line.length <= WIDTH ? [line] : [...broken];
}

/** `head` and a union of members, such as `export type X =` and its names. */
export function union(head: string, members: readonly string[], indent = ''): string[] {
  const line = `${indent}${head} ${members.join(' | ')};`;
  const deeper = indent + INDENT;
  const [only = ''] = members;
  if (members.length === 1) return fit(line, head.endsWith('=') ? [indent + head, `${deeper}${only};`] : [line]);
  return fit(line, [
    indent + head,
    ...members.map((member, i) => `${deeper}| ${member}${i === members.length - 1 ? ';' : ''}`),
  ]);
}

/** `head`, a list in braces, and `tail`: `import type { A, B } from 'c';` */
export function bracketed(
  head: string,
  [open, close]: readonly [open: string, close: string],
  items: readonly string[],
  tail: string,
  { indent = '', trailingComma = true, spaced = true } = {},
): string[] {
  const space = spaced ? ' ' : '';
  return fit(`${indent}${head}${open}${space}${items.join(', ')}${space}${close}${tail}`, [
    `${indent}${head}${open}`,
    ...items.map((item, i) => `${indent}${INDENT}${item}${trailingComma || i < items.length - 1 ? ',' : ''}`),
    `${indent}${close}${tail}`,
  ]);
}

/** A property name, quoted if it is not an identifier. */
export function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name);
}

/** Quotes like prettier: single quotes, unless double quotes need fewer escapes. */
export function quoted(text: string): string {
  const json = JSON.stringify(text);
  return text.includes("'") ? json : `'${json.slice(1, -1).replaceAll('\\"', '"')}'`;
}

/** A documentation comment; no lines if the text is empty. */
export function docComment(text: string, indent = ''): string[] {
  // Formatters would trim trailing space; a comment end in the text would end this comment.
  const lines = text
    .replaceAll('*/', '*\\/')
    .split('\n')
    .map((line) => line.trimEnd());
  while (lines.length > 0 && lines[0] === '') lines.shift();
  while (lines.length > 0 && lines.at(-1) === '') lines.pop();
  const [first] = lines;
  if (first === undefined) return [];
  const broken = [`${indent}/**`, ...lines.map((line) => `${indent} *${line && ` ${line}`}`), `${indent} */`];
  return lines.length === 1 ? fit(`${indent}/** ${first.trim()} */`, broken) : broken;
}
