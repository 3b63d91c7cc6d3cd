/** A function's log as Lambda writes it: platform lines, `console` in text or JSON format, raw output line by line. */
import { format, types } from 'node:util';
import type { ConsoleLine } from './process.ts';

const order = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

export interface LogOptions {
  readonly now: () => number;
  readonly write: (lines: readonly string[]) => void;
  /** @default Text */
  readonly format?: 'Text' | 'JSON';
  /** Lines of `console` below it are dropped; only in JSON format. @default INFO */
  readonly level?: string;
}

/** One environment's log. */
export class FunctionLog {
  private readonly options: LogOptions;
  /** The invocation that lines belong to. */
  requestId: string | undefined;

  constructor(options: LogOptions) {
    this.options = options;
  }

  /** A line of `console`. https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html */
  readonly console: ConsoleLine = (level, text, values) => {
    const { now, write } = this.options;
    const time = new Date(now()).toISOString();
    if (this.options.format !== 'JSON') {
      write([`${time}\t${this.requestId ?? 'undefined'}\t${level}\t${text}`]);
      return;
    }
    if (order.indexOf(level) < order.indexOf((this.options.level ?? 'INFO').toUpperCase())) return;
    const error = values.find((value): value is Error => types.isNativeError(value));
    const message = values.length === 1 && typeof values[0] === 'object' && !error ? values[0] : format(...values) || text;
    write([
      JSON.stringify({
        timestamp: time,
        level,
        requestId: this.requestId,
        ...(error ? { errorType: error.name, errorMessage: error.message } : {}),
        message,
      }),
    ]);
  };

  /** What the function wrote to stdout or stderr. */
  readonly output = (text: string): void => {
    const lines = text.replace(/\n$/, '').split('\n');
    if (text !== '') this.options.write(lines);
  };

  /** A line of Lambda itself: START, END, REPORT. */
  platform(text: string, event: string, record: object): void {
    const { now, write } = this.options;
    write([this.options.format === 'JSON' ? JSON.stringify({ time: new Date(now()).toISOString(), type: event, record }) : text]);
  }
}
