/** What came from outside, in order, with its moment: enough to make the same world again. One line of JSON for each, in a data folder. */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HttpRequest } from '../core/http.ts';
import type { Measured } from '../services/elasticloadbalancing/metrics.ts';
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

/** Larger bodies (image layers) lie in files of their own. Bytes. */
const INLINE = 16_384;

/** The inputs of a world in a folder. */
export class Inputs {
  private readonly folder: string;
  private count = 0;

  /** @param folder is made if it is not there; only its owner may look into it, as requests carry credentials */
  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(join(folder, 'bodies'), { recursive: true, mode: 0o700 });
  }

  /** To be called once, before anything is added. Everything so far, with the status by which each request was answered (undefined where the end came first). */
  read(): readonly { readonly input: Input; readonly status: number | undefined }[] {
    if (!existsSync(this.file)) return [];
    const found: { input: Input; status: number | undefined }[] = [];
    const all = readFileSync(this.file, 'utf8');
    // The machine went down while it wrote: what follows begins a line of its own.
    if (all !== '' && !all.endsWith('\n')) appendFileSync(this.file, '\n');
    for (const text of all.split('\n')) {
      const line = parse(text);
      if (line === undefined) continue;
      if (line.kind === 'answered') {
        const answered = found[line.input];
        if (answered) answered.status = line.status;
      } else found.push({ input: this.whole(line), status: undefined });
    }
    this.count = found.length;
    return found;
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
    appendFileSync(this.file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
  }

  private keep(body: Uint8Array): string {
    const name = createHash('sha256').update(body).digest('hex');
    const path = join(this.folder, 'bodies', name);
    if (!existsSync(path)) writeFileSync(path, body, { mode: 0o600 });
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
