/** Writes what people see: results to one stream, everything beside them to the other, and JSON for programs. */
import { wrap } from './text.ts';

let makeRoom = () => {};

/** What takes a line away that moves, before others are written. */
export function beforeOutput(erase: () => void): void {
  makeRoom = erase;
}

/** Something beside the result: to the other stream, so that programs do not stumble over it. */
export function note(text: string): void {
  makeRoom();
  process.stderr.write(`${text}\n`);
}

/** For sentences: broken between words on a terminal, the lines that follow indented. */
export function noteWrapped(text: string): void {
  const room = process.stderr.isTTY ? (process.stderr.columns ?? 80) - 1 : Number.POSITIVE_INFINITY;
  note(
    text
      .split('\n')
      .flatMap((line) => wrap(line, Math.max(20, room)))
      .join('\n'),
  );
}

export function print(text: string): void {
  makeRoom();
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}
