/** Questions to the person at the keyboard: one line, typed beside the result. */
import { createInterface } from 'node:readline';
import { InterruptedError, UsageError } from './errors.ts';
import { rest } from './spinner.ts';

/** Whether somebody can be asked. */
export const canAsk = () => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** One line from the person at the keyboard; the question goes beside the result. @throws InterruptedError at Ctrl-C; UsageError at Ctrl-D */
export async function ask(question: string): Promise<string> {
  rest();
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise((resolve, reject) => {
      lines.once('SIGINT', () => {
        process.stderr.write('\n');
        reject(new InterruptedError());
      });
      lines.once('close', () => {
        process.stderr.write('\n');
        reject(new UsageError('nothing was typed: nothing was done'));
      });
      lines.question(question, (answer) => resolve(answer.trim()));
    });
  } finally {
    lines.removeAllListeners('close').close();
  }
}
