/** What came from outside, in order, with its moment: enough to make the same world again. One line of JSON for each, in a data folder. */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { HttpRequest } from '../core/http.ts';
import type { Measured } from '../services/elasticloadbalancing/metrics.ts';
import { Disk } from './disk.ts';
import type { Heard, Report } from './engine/reports.ts';

/** Behind which door a request came in: the API of AWS, the registry, or a host of the world such as a function URL. */
export type Entrance = 'api' | 'registry' | { readonly host: string };

/** A request that changed something. */
export interface Exchange {
  readonly kind: 'request';
  /** Of the world, in milliseconds since the epoch. */
  readonly at: number;
  readonly entrance: Entrance;
  readonly request: HttpRequest;
}

/** Something else that was done to the world, such as deploying an assembly: whoever remembers it knows how to do it again. */
export interface Deed {
  readonly kind: 'deed';
  readonly at: number;
  readonly what: unknown;
}

/** Something that happened to a container in an engine. */
export interface Told {
  readonly kind: 'report';
  readonly at: number;
  readonly report: Report;
}

/** What a container answered to somebody within the world, who will ask again. */
export interface Answer {
  readonly kind: 'heard';
  readonly at: number;
  readonly heard: Heard;
}

/** What requests of people have brought about in CloudWatch: they are not sent again. */
export interface Visits {
  readonly kind: 'visits';
  readonly at: number;
  readonly measured: readonly Measured[];
}

export type Input = Exchange | Deed | Told | Answer | Visits;

/** How an input was answered, by its number. */
interface Answered {
  readonly kind: 'answered';
  readonly input: number;
  readonly status: number;
}

type Line =
  | Deed
  | Told
  | Answer
  | Visits
  | Answered
  | (Omit<Exchange, 'request'> & { readonly request: Omit<HttpRequest, 'body'> & { body?: string; file?: string } });

/** How far a journal has come. */
export interface Position {
  readonly bytes: number;
  /** Inputs so far. */
  readonly count: number;
  /** SHA-256 of the end of what was written so far: another journal has another. */
  readonly end: string;
}

/** So much of the end is looked at, in bytes. */
const END = 65_536;

/** Larger bodies (image layers) lie in files of their own. Bytes. */
const INLINE = 16_384;

const BEGINNING: Position = { bytes: 0, count: 0, end: '' };

/** The inputs of a world in a folder. */
export class Inputs {
  private readonly folder: string;
  private readonly disk: Disk;
  private count = 0;
  private isTorn = false;

  /** @param folder is made if it is not there; only its owner may look into it, as requests carry credentials */
  constructor(folder: string, disk = new Disk()) {
    this.folder = folder;
    this.disk = disk;
    mkdirSync(join(folder, 'bodies'), { recursive: true, mode: 0o700 });
  }

  /**
   * To be called once, before anything is added. Everything so far, or since `from`, with the status by which each request was
   * answered (undefined where the end came first).
   */
  read(from: Position = BEGINNING): readonly { readonly input: Input; readonly status: number | undefined }[] {
    const found: { input: Input; status: number | undefined }[] = [];
    this.count = from.count;
    if (!existsSync(this.file)) return found;
    const all = this.text(from.bytes, statSync(this.file).size).toString('utf8');
    // The machine went down while it wrote: what follows begins a line of its own.
    if (all !== '' && !all.endsWith('\n')) this.disk.append(this.file, '\n');
    for (const text of all.split('\n')) {
      const line = parse(text);
      if (line === undefined) continue;
      if (line.kind === 'answered') {
        const answered = found[line.input - from.count];
        if (answered) answered.status = line.status;
      } else found.push({ input: this.whole(line), status: undefined });
    }
    this.count += found.length;
    return found;
  }

  /** Where the next input will be written. */
  get position(): Position {
    const bytes = existsSync(this.file) ? statSync(this.file).size : 0;
    return { bytes, count: this.count, end: this.endAt(bytes) };
  }

  /** Whether this journal has been where `position` says. */
  knows({ bytes, end }: Position): boolean {
    const size = existsSync(this.file) ? statSync(this.file).size : 0;
    return bytes <= size && this.endAt(bytes) === end;
  }

  private endAt(bytes: number): string {
    return createHash('sha256')
      .update(this.text(Math.max(0, bytes - END), bytes))
      .digest('hex');
  }

  private text(from: number, to: number): Buffer {
    const text = Buffer.alloc(to - from);
    if (text.length === 0) return text;
    const file = openSync(this.file, 'r');
    try {
      readSync(file, text, 0, text.length, from);
    } finally {
      closeSync(file);
    }
    return text;
  }

  /** Remembers, before it happens. @returns its number, for {@link answered} */
  add(input: Input): number {
    if (input.kind !== 'request') this.append(input);
    else {
      const { body, ...request } = input.request;
      const part =
        body.byteLength > INLINE ? { file: this.keep(body) } : body.byteLength > 0 ? { body: Buffer.from(body).toString('base64') } : {};
      this.append({ ...input, request: { ...request, ...part } });
    }
    return this.count++;
  }

  answered(input: number, status: number): void {
    this.append({ kind: 'answered', input, status });
  }

  private get file(): string {
    return join(this.folder, 'inputs.jsonl');
  }

  private append(line: Line): void {
    // Where a write failed half way, what follows begins a line of its own.
    const text = `${this.isTorn ? '\n' : ''}${JSON.stringify(line)}\n`;
    this.isTorn = true;
    this.disk.append(this.file, text);
    this.isTorn = false;
  }

  private keep(body: Uint8Array): string {
    const name = createHash('sha256').update(body).digest('hex');
    const path = join(this.folder, 'bodies', name);
    if (!existsSync(path)) this.disk.replace(path, body);
    return name;
  }

  private whole(line: Exclude<Line, Answered>): Input {
    if (line.kind !== 'request') return line;
    const { body = '', file, ...request } = line.request;
    const bytes = file === undefined ? Buffer.from(body, 'base64') : readFileSync(join(this.folder, 'bodies', file));
    return { ...line, request: { ...request, body: new Uint8Array(bytes) } };
  }
}

/** A last line that was half written when the machine went down is none. */
function parse(text: string): Line | undefined {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}
