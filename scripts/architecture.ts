/** Draws the folders of `docs/architecture.json` as a diagram and a table, and writes them into `docs/architecture.md`: `npm run architecture`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** A part of a folder that has arrows of its own. */
export interface Room {
  readonly folder: string;
  readonly what: string;
  /** Rooms beside it. */
  readonly mayImport: readonly string[];
}

export interface Folder extends Room {
  /** Whether it may import the clients of the AWS SDK. */
  readonly sdk: boolean;
  readonly rooms?: readonly Room[];
}

const docs = resolve(import.meta.dirname, '../docs');

/** The folders, from the bottom up. */
export const folders = JSON.parse(readFileSync(resolve(docs, 'architecture.json'), 'utf8')) as readonly Folder[];

/** Arrows that others imply are left out of the picture: `cli` reaches `domain` by way of `queries`. */
function drawn({ mayImport }: Folder): string[] {
  const below = (name: string): string[] => {
    const direct = folders.find(({ folder }) => folder === name)?.mayImport ?? [];
    return [...direct, ...direct.flatMap(below)];
  };
  return mayImport.filter((target) => !mayImport.some((other) => other !== target && below(other).includes(target)));
}

function diagram(): string {
  const nodes = folders.map(({ folder, what }) => `  ${folder}["<b>${folder}/</b><br/>${what.replaceAll('`', '').split(/[,:;]/)[0]}"]`);
  const arrows = folders.flatMap((folder) => drawn(folder).map((target) => `  ${folder.folder} --> ${target}`));
  return ['```mermaid', 'flowchart TD', ...nodes, ...arrows, '```'].join('\n');
}

function table(): string {
  const names = (list: readonly string[]) => list.map((name) => `\`${name}\``).join(', ') || 'nothing of ours';
  const rows = folders.flatMap(({ folder, what, mayImport, sdk, rooms = [] }) => [
    `| \`${folder}/\` | ${what} | ${names(mayImport)}${sdk ? '; the AWS SDK' : ''} |`,
    ...rooms.map((room) => `| \`${folder}/${room.folder}/\` | ${room.what} | of \`${folder}\`: ${names(room.mayImport)} |`),
  ]);
  return ['| folder | what is in it | may import |', '|---|---|---|', ...rows].join('\n');
}

/** The page with what is drawn put between its marks. */
export function withDrawing(page: string): string {
  return [
    ['diagram', diagram()],
    ['table', table()],
  ].reduce((text, [name, drawing]) => {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
    const [before = '', rest = ''] = text.split(begin);
    return `${before}${begin}\n${drawing}\n${end}${rest.split(end)[1] ?? ''}`;
  }, page);
}

if (import.meta.main) {
  const file = resolve(docs, 'architecture.md');
  writeFileSync(file, withDrawing(readFileSync(file, 'utf8')));
}
