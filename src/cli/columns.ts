/** Lays out text by terminal columns, which differ from characters: many East Asian characters take two. */

const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;
const INVISIBLE = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]+$/u;

const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

function charactersOf(text: string): string[] {
  return [...characters.segment(text)].map(({ segment }) => segment);
}

function columnsOf(character: string): number {
  if (INVISIBLE.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** How many columns a line takes. */
export function widthOf(text: string): number {
  // A fast path for most lines.
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  return charactersOf(text).reduce((sum, character) => sum + columnsOf(character), 0);
}

/** Breaks the text into lines of at most `width` columns, anywhere and without omissions, so that IDs can be copied. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  let taken = 0;
  for (const character of charactersOf(text)) {
    const columns = columnsOf(character);
    if (taken + columns > width && line !== '') {
      lines.push(line);
      [line, taken] = ['', 0];
    }
    line += character;
    taken += columns;
  }
  return [...lines, line];
}

/** Returns the text if it fits into `width` columns, else its beginning and `…`. */
export function cutToWidth(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  return `${wrapped(text, Math.max(1, width - 1))[0] ?? ''}…`;
}

/**
 * Formats rows under a head as a table if it fits into `width` columns (default: unlimited). Otherwise formats each row
 * as a block with a line for each non-empty cell.
 */
export function tableLines(head: readonly string[], rows: readonly (readonly string[])[], width = Infinity): string[] {
  const table = [head, ...rows];
  const widths = head.map((_, column) => table.reduce((most, row) => Math.max(most, widthOf(row[column] ?? '')), 0));
  const total = widths.reduce((sum, one) => sum + one + 2, -2);
  if (total > width) return rows.flatMap((row, index) => [...(index > 0 ? [''] : []), ...blockLines(head, row, width)]);
  return table.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  );
}

function blockLines(head: readonly string[], row: readonly string[], width: number): string[] {
  const labelWidth = Math.max(...head.map(widthOf)) + 2;
  return head.flatMap((label, column) => {
    const cell = row[column] ?? '';
    if (cell === '' || cell === '-') return [];
    const [first = '', ...rest] = wrapped(cell, Math.max(10, width - labelWidth));
    return [label.padEnd(labelWidth) + first, ...rest.map((line) => ' '.repeat(labelWidth) + line)];
  });
}
