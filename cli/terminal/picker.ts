/** A list to choose from on a terminal: arrows move, letters narrow it down, Enter chooses. Drawn on the other stream, as the result may be captured. */
import { emitKeypressEvents, type Key } from 'node:readline';
import { InterruptedError } from './errors.ts';
import { Screen } from './screen.ts';
import { rest } from './spinner.ts';
import { columns, cut, padTo, plain } from './text.ts';

export interface Option {
  /** What narrowing looks at, and the number finds. */
  readonly number: number;
  /** All but the last as wide as the widest; the last takes what is left. */
  readonly cells: readonly string[];
  /** Shown below the list while it is the one. */
  readonly details: readonly string[];
}

export interface Standing {
  readonly typed: string;
  /** Which of those that match. */
  readonly at: number;
}

export type Step = { readonly standing: Standing } | { readonly chosen: Option } | { readonly left: 'nothing' | 'interrupted' };

/** Those that contain every word, the one of that number first. */
export function matching(options: readonly Option[], typed: string): readonly Option[] {
  const words = typed.toLowerCase().split(' ').filter(Boolean);
  const found = options.filter(({ number, cells, details }) => {
    const text = [...cells, ...details].join(' ').toLowerCase();
    return words.every((word) => String(number) === word || text.includes(word));
  });
  return found.toSorted((a, b) => Number(String(b.number) === typed) - Number(String(a.number) === typed));
}

/** What a key does. @param page so many does a page have */
export function press(options: readonly Option[], { typed, at }: Standing, text: string | undefined, key: Key, page: number): Step {
  const found = matching(options, typed);
  const to = (place: number): Step => ({ standing: { typed, at: Math.max(0, Math.min(found.length - 1, place)) } });
  const narrow = (words: string): Step => ({ standing: { typed: words, at: 0 } });
  if (key.ctrl) {
    switch (key.name) {
      case 'c':
        return { left: 'interrupted' };
      case 'd':
        return { left: 'nothing' };
      case 'n':
        return to(at + 1);
      case 'p':
        return to(at - 1);
      case 'u':
        return narrow('');
      default:
        return to(at);
    }
  }
  switch (key.name) {
    case 'down':
      return to(at + 1);
    case 'up':
      return to(at - 1);
    case 'pagedown':
      return to(at + page);
    case 'pageup':
      return to(at - page);
    case 'home':
      return to(0);
    case 'end':
      return to(found.length - 1);
    case 'backspace':
      return narrow(typed.slice(0, -1));
    case 'escape':
      return typed === '' ? { left: 'nothing' } : narrow('');
    case 'return':
    case 'enter': {
      const chosen = found[at];
      return chosen ? { chosen } : to(at);
    }
    default:
      return text !== undefined && /^\P{Cc}+$/u.test(text) ? narrow(typed + text) : to(at);
  }
}

/** Lines above and below the list: question, what is typed, an empty line, details, keys. */
const AROUND = 7;

export const pageOf = (rows: number) => Math.max(1, rows - AROUND);

/** @param title what is asked */
export function drawPicker(
  title: string,
  options: readonly Option[],
  { typed, at }: Standing,
  size: { width: number; rows: number },
): string[] {
  const room = Math.max(10, size.width - 1);
  const page = pageOf(size.rows);
  const found = matching(options, typed);
  const from = Math.max(0, Math.min(at - Math.floor(page / 2), found.length - page));
  const wide = widths(options, room - 2);
  const [paint, dim] = process.env.NO_COLOR
    ? [(text: string) => text, (text: string) => text]
    : [(text: string) => `\u001b[7m${text}\u001b[27m`, (text: string) => `\u001b[2m${text}\u001b[22m`];
  const lines = found.slice(from, from + page).map(({ cells }, index) => {
    const line = cells.map((cell, column) => padTo(plain(cell), wide[column] ?? 0)).join('  ');
    return from + index === at ? paint(`❯ ${cut(line, room - 2)}`) : `  ${cut(line.trimEnd(), room - 2)}`;
  });
  const details = (found[at]?.details ?? []).slice(0, 2).map((text) => `  ${cut(plain(text), room - 2)}`);
  const many = found.length === options.length ? `${options.length}` : `${found.length} of ${options.length}`;
  return [
    cut(`${title} (${many})`, room),
    cut(`> ${typed}`, room),
    ...(lines.length > 0 ? lines : ['  none matches; Escape shows all']),
    '',
    ...details,
    ...(size.rows > AROUND ? [dim(cut('↑ ↓ move · letters narrow down · Enter chooses · Escape leaves', room))] : []),
  ].slice(0, Math.max(3, size.rows - 1));
}

/** The column of what it is called: two that look the same there cannot be told apart. */
const NAME = 1;
/** Others give way to it down to this. */
const SPARE = 8;

/** Whole cells where they fit; else the widest give way: the last first, the name last. */
function widths(options: readonly Option[], room: number): number[] {
  const count = options[0]?.cells.length ?? 0;
  const wide = Array.from({ length: count }, (_, column) => Math.max(...options.map(({ cells }) => columns(plain(cells[column] ?? '')))));
  const over = () => wide.reduce((sum, one) => sum + one, 0) + 2 * (count - 1) - room;
  const last = count - 1;
  wide[last] = Math.max(Math.min(wide[last] ?? 0, 16), (wide[last] ?? 0) - Math.max(0, over()));
  while (over() > 0) {
    const others = wide.map((one, column) => (column === NAME ? 0 : one));
    const most = Math.max(...others);
    const widest = most > SPARE ? others.indexOf(most) : wide.indexOf(Math.max(...wide));
    if ((wide[widest] ?? 0) <= 3) break;
    wide[widest] = (wide[widest] ?? 0) - 1;
  }
  return wide;
}

/** @returns undefined if the person leaves @throws InterruptedError at Ctrl-C */
export async function pick(title: string, options: readonly Option[]): Promise<Option | undefined> {
  rest();
  const { stdin } = process;
  let standing: Standing = { typed: '', at: 0 };
  const draw = () => screen.draw(drawPicker(title, options, standing, screen.size));
  const screen: Screen = new Screen(process.stderr, draw);
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  draw();
  try {
    return await new Promise((resolve, reject) => {
      const onKey = (text: string | undefined, key: Key) => {
        const next = press(options, standing, text, key, pageOf(screen.size.rows));
        if ('standing' in next) {
          standing = next.standing;
          return draw();
        }
        stdin.off('keypress', onKey);
        if ('chosen' in next) resolve(next.chosen);
        else if (next.left === 'nothing') resolve(undefined);
        else reject(new InterruptedError());
      };
      stdin.on('keypress', onKey);
      stdin.resume();
    });
  } finally {
    screen.close();
    stdin.setRawMode(false);
    stdin.pause();
  }
}
