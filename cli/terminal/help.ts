/** The overview that `shiplock --help` shows, in as many columns as there are. */

export interface Overview {
  readonly usage: string;
  readonly description: string;
  readonly lists: readonly { readonly title: string; readonly rows: readonly (readonly string[])[] }[];
}

/** Texts narrower than this go below their terms. */
const NARROW = 24;

/** @param width columns. @default 80 */
export function renderOverview({ usage, description, lists }: Overview, width = 80): string {
  const longest = Math.max(...lists.flatMap(({ rows }) => rows.map(([term = '']) => term.length)));
  const beside = width - longest - 4 >= NARROW;
  const indent = beside ? longest + 4 : 6;
  const row = ([term = '', text = '']: readonly string[]) => {
    const [first = '', ...rest] = wrapped(text, width - indent).map((line) => ' '.repeat(indent) + line);
    return beside ? [`  ${term.padEnd(indent - 2)}${first.trimStart()}`.trimEnd(), ...rest] : [`  ${term}`, first, ...rest];
  };
  return [
    `Usage: ${usage}`,
    '',
    ...wrapped(description, width),
    ...lists.flatMap(({ title, rows }) => ['', `${title}:`, ...rows.flatMap(row)]),
    '',
  ].join('\n');
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
