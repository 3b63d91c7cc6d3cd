/** Tables that fit the terminal. */
import { colours, width } from './colours.ts';
import { columns, cut, padTo, plain } from './text.ts';

/** A table as wide as its content, at most as wide as the terminal: the last column gives way, then the widest others. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map(plain));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => columns(row[column] ?? ''))));
  const last = head.length - 1;
  const room = width() - 1 - 2 * last;
  const total = () => widths.reduce((sum, one) => sum + one, 0);
  const least = Math.min(widths[last] ?? 0, 16);
  widths[last] = Math.max(least, Math.min(widths[last] ?? 0, room - (total() - (widths[last] ?? 0))));
  while (total() > room) {
    const widest = widths.slice(0, last).reduce((best, one, column) => (one > (widths[best] ?? 0) ? column : best), 0);
    if (last === 0 || (widths[widest] ?? 0) <= 4) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === last ? cut(cell, widths[column] ?? 0) : padTo(cell, widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const paint = colours();
  return [paint.bold(line(cells[0] ?? [])), ...cells.slice(1).map(line)].join('\n');
}
