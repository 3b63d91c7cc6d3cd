/** Shows something again and again: drawn over on a terminal, else printed when it has changed. */

import { dim, isTerminal } from './colours.ts';
import { EXIT } from './errors.ts';
import { print } from './output.ts';
import { Screen } from './screen.ts';
import { rest } from './spinner.ts';
import { cutPainted } from './text.ts';

/** Each refresh costs a few reads of the ledger: this is often enough for people. Milliseconds. */
const CALM = 2_000;

export const pause = (milliseconds = CALM) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** For pipes: prints what is seen whenever it has changed. @param sign what two that are the same share */
export async function follow<Seen>(see: () => Promise<Seen>, look: (seen: Seen) => string, sign = look): Promise<never> {
  let before: string | undefined;
  for (;;) {
    const seen = await see();
    rest();
    if (sign(seen) !== before) print(look(seen));
    before = sign(seen);
    await pause();
  }
}

/**
 * Until Ctrl-C, after which the last that was seen stays on the terminal.
 * @param look draws what is there now, as wide as the terminal is at that moment, for a screen of so many rows
 * @param title what it is, and of when
 */
export async function watch<Seen>(
  see: () => Promise<Seen>,
  look: (seen: Seen, rows?: number) => string,
  title: (seen: Seen) => string,
): Promise<never> {
  if (!isTerminal()) return follow(see, look);
  let seen: Seen | undefined;
  const draw = () => {
    if (seen === undefined) return;
    const { rows, width } = screen.size;
    const room = Math.max(1, rows - 1);
    const lines = look(seen, room).split('\n');
    const shown = lines.length > room ? [...lines.slice(0, room - 1), `… ${lines.length - room + 1} lines more`] : lines;
    screen.draw([...shown, dim(`${title(seen)} · every 2 s, until Ctrl-C`)].map((line) => cutPainted(line, width)));
  };
  const screen: Screen = new Screen(process.stdout, draw);
  process.once('SIGINT', () => {
    screen.close();
    if (seen !== undefined) print(look(seen));
    process.exit(EXIT.interrupted);
  });
  try {
    for (;;) {
      seen = await see();
      rest();
      draw();
      await pause();
    }
  } finally {
    screen.close();
  }
}
