/** Shows something again and again: drawn over on a terminal, else printed when it has changed. */
import { isTerminal, print } from './output.ts';

/** A look costs a few reads of the ledger: this is often enough for people. Milliseconds. */
const CALM = 2_000;

export const pause = (milliseconds = CALM) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** Until Ctrl-C, which ends the command with 0. */
export async function watch(look: () => Promise<string>): Promise<never> {
  process.once('SIGINT', () => process.exit(0));
  let before = '';
  for (;;) {
    const text = await look();
    if (isTerminal()) {
      const rows = (process.stdout.rows ?? 24) - 1;
      const lines = text.split('\n');
      const shown = lines.length > rows ? [...lines.slice(0, rows - 1), '… (more than the terminal has lines)'] : lines;
      process.stdout.write(`\u001b[H\u001b[2J${shown.join('\n')}\n`);
    } else if (text !== before) print(text);
    before = text;
    await pause();
  }
}
