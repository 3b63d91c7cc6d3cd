/** A line that moves while something takes longer than a second, on a terminal only; whatever is printed takes its place. */

import { EXIT } from './errors.ts';
import { beforeOutput } from './output.ts';
import { cut } from './text.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

let timer: NodeJS.Timeout | undefined;
let began = 0;
let what = '';
let drawn = false;

/** Shows `text` from the first second on, until {@link rest}, the end of the process, or another text. */
export function working(text: string): void {
  what = text;
  if (timer !== undefined || process.stderr.isTTY !== true || process.env.TERM === 'dumb') return;
  began = performance.now();
  timer = setInterval(draw, 100);
  // It must not keep a command alive that has ended.
  timer.unref();
  beforeOutput(erase);
  process.once('exit', erase);
  process.once('SIGINT', interrupted);
}

/** Somebody else has the terminal now. */
export function rest(): void {
  clearInterval(timer);
  timer = undefined;
  erase();
  process.off('exit', erase);
  process.off('SIGINT', interrupted);
}

function draw(): void {
  const passed = performance.now() - began;
  if (passed < 1_000) return;
  drawn = true;
  const frame = FRAMES[Math.floor(passed / 100) % FRAMES.length];
  const line = cut(`${frame} ${what}, ${Math.floor(passed / 1000)} s`, (process.stderr.columns || 80) - 1);
  process.stderr.write(`\r\u001b[2K${process.env.NO_COLOR ? line : `\u001b[2m${line}\u001b[22m`}`);
}

function erase(): void {
  if (drawn) process.stderr.write('\r\u001b[2K');
  drawn = false;
}

function interrupted(): void {
  process.exit(EXIT.interrupted);
}

/** Shows `text` while one thing is done. */
export async function whileWorking<Result>(text: string, work: () => Promise<Result>): Promise<Result> {
  working(text);
  try {
    return await work();
  } finally {
    rest();
  }
}
