/** The whole terminal for a while, as pagers have it: what stood there before comes back. */

type Terminal = Pick<NodeJS.WriteStream, 'write' | 'columns' | 'rows' | 'on' | 'off'>;

export class Screen {
  private readonly terminal: Terminal;
  private readonly onResize: () => void;
  private open = false;

  /** @param onResize draws anew */
  constructor(terminal: Terminal, onResize: () => void) {
    this.terminal = terminal;
    this.onResize = onResize;
  }

  get size(): { readonly width: number; readonly rows: number } {
    return { width: this.terminal.columns || 80, rows: this.terminal.rows || 24 };
  }

  /** At most as many lines as there are rows, none wider than the terminal: the first time, it is taken. */
  draw(lines: readonly string[]): void {
    if (!this.open) {
      this.open = true;
      this.terminal.write('\u001b[?1049h\u001b[?25l');
      this.terminal.on('resize', this.onResize);
      process.once('exit', this.close);
    }
    // Line by line, not all cleared first: it does not flicker.
    this.terminal.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`);
  }

  /** Gives the terminal back, at the latest when the process ends. */
  readonly close = (): void => {
    if (!this.open) return;
    this.open = false;
    this.terminal.off('resize', this.onResize);
    process.off('exit', this.close);
    this.terminal.write('\u001b[?25h\u001b[?1049l');
  };
}
