/** Compares what local AWS did with what the real one did: exactly, but for what the recording does not know. */

type Value = unknown;
type Members = Readonly<Record<string, Value>>;

/** What a recording puts in the place of a time. */
const TIME = /^(?:date|datetime|timestamp|time|start-date|stop-date|creation-date|<(?:start-date|stop-date|date|timestamp|datetime)>)$/;
/** Inside a text that is JSON. */
const QUOTED_TIME = /(?<=")(?:date|datetime|timestamp|start-date|stop-date)(?=")/;
/** As people read it, or in seconds or milliseconds since the epoch. */
const WRITTEN_TIME = /^(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*|\d{10}|\d{13})$/;
/** A text that is not known, named: `<uuid:1>`. */
const UNKNOWN = /<[A-Za-z_][\w-]*(?::\d+)?>|^target-arn$/g;
/** What the recordings put for every text of a kind, so that it means another text each time. */
const WORDS = new Set('x-amzn-RequestId X-Amzn-Trace-Id RequestId a_task_token a_message_id <index-status> <table-status>'.split(' '));

const isMembers = (value: Value): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date) && !(value instanceof Uint8Array);

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Replaces placeholders by what they stand for, in texts and in names of members. */
export function filled<T>(value: T, known: ReadonlyMap<string, string>): T {
  if (known.size === 0) return value;
  const names = [...known.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(names.map(escaped).join('|'), 'g');
  const fill = (one: Value): Value => {
    if (typeof one === 'string') return one.replace(pattern, (name) => known.get(name)!);
    if (Array.isArray(one)) return one.map(fill);
    if (isMembers(one)) return Object.fromEntries(Object.entries(one).map(([name, member]) => [fill(name), fill(member)]));
    return one;
  };
  return fill(value) as T;
}

/** What the placeholders of one case have been found to mean. */
export class Likeness {
  private readonly meanings = new Map<string, string>();
  private readonly ambiguous: readonly string[];
  private readonly exact: boolean;

  /**
   * @param ambiguous placeholders that the recording put for several things
   * @param exact texts in angle brackets are no placeholders here
   */
  constructor(ambiguous: readonly string[] = [], exact = false) {
    this.ambiguous = ambiguous.toSorted((a, b) => b.length - a.length);
    this.exact = exact;
  }

  /** Where two values differ first, in words; undefined where they agree. */
  difference(recorded: Value, got: Value, at = ''): string | undefined {
    const differ = () => `${at || 'value'}: got ${short(got)}, recorded ${short(recorded)}`;
    if (got instanceof Uint8Array) return this.difference(recorded, new TextDecoder().decode(got), at);
    if (typeof recorded === 'string') return this.sameText(recorded, got) ? undefined : differ();
    if (Array.isArray(recorded)) {
      if (!Array.isArray(got) || got.length !== recorded.length) return differ();
      return first(recorded.map((one, index) => () => this.difference(one, got[index], `${at}[${index}]`)));
    }
    if (!isMembers(recorded)) return recorded === got ? undefined : differ();
    // A text that is a JSON object was recorded parsed.
    const members = typeof got === 'string' ? parsed(got) : got;
    if (!isMembers(members)) return differ();
    if (isTransport(recorded)) return this.sameTransport(recorded, members, at);
    const renamed = this.named(recorded, members);
    const names = new Set([...Object.keys(renamed), ...Object.keys(members)]);
    return first(
      [...names]
        .filter((name) => renamed[name] !== undefined || members[name] !== undefined)
        .map((name) => () => this.difference(renamed[name], members[name], at === '' ? name : `${at}.${name}`)),
    );
  }

  /** A member whose name is not known takes that of one which is not in the recording. */
  private named(recorded: Members, got: Members): Members {
    if (this.exact || !Object.keys(recorded).some((name) => name.startsWith('<'))) return recorded;
    const free = Object.keys(got).filter((name) => !(name in recorded));
    return Object.fromEntries(
      Object.entries(recorded).map(([name, member]) => {
        const index = name in got ? -1 : free.findIndex((one) => this.fits(name, one));
        return [index < 0 ? name : free.splice(index, 1)[0]!, member];
      }),
    );
  }

  /** What has been found so far, to be taken back by {@link restore} where a guess was wrong. */
  save(): ReadonlyMap<string, string> {
    return new Map(this.meanings);
  }

  restore(saved: ReadonlyMap<string, string>): void {
    this.meanings.clear();
    for (const [name, meaning] of saved) this.meanings.set(name, meaning);
  }

  /** The headers of an answer are those of AWS's own machines; its status and its id are compared. */
  private sameTransport(recorded: Members, got: Members, at: string): string | undefined {
    if (!isTransport(got)) return `${at}: got ${short(got)}, recorded how the call travelled`;
    const id = ({ HttpHeaders }: Members) => (HttpHeaders as Members)['x-amzn-RequestId'];
    return (
      this.difference(recorded.HttpStatusCode, got.HttpStatusCode, `${at}.HttpStatusCode`) ??
      (id(recorded) === undefined ? undefined : this.difference(id(recorded), id(got), `${at}.HttpHeaders.x-amzn-RequestId`))
    );
  }

  private sameText(recorded: string, got: Value): boolean {
    if (got instanceof Date) return TIME.test(recorded) || (WRITTEN_TIME.test(recorded) && Date.parse(recorded) === got.getTime());
    if (typeof got !== 'string') return false;
    if (recorded === got) return true;
    if (this.exact) return false;
    if (TIME.test(recorded)) return WRITTEN_TIME.test(got);
    if (WORDS.has(recorded)) return /^[\w:;=+/-]{6,}$/.test(got);
    return this.fits(recorded, got);
  }

  /** A text with placeholders: each stands for the same text wherever it stands in the case. */
  private fits(recorded: string, got: string): boolean {
    const groups: string[] = [];
    const names = [...this.ambiguous.map(escaped), UNKNOWN.source, QUOTED_TIME.source];
    let pattern = '';
    let from = 0;
    for (const found of recorded.matchAll(new RegExp(names.join('|'), 'g'))) {
      const [name] = found;
      pattern += escaped(recorded.slice(from, found.index));
      from = found.index + name.length;
      const meaning = this.meanings.get(name);
      const before = groups.indexOf(name);
      if (TIME.test(name)) pattern += '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+(?:Z|[+-]\\d\\d:\\d\\d)';
      else if (this.ambiguous.includes(name)) pattern += '.+?';
      else if (meaning !== undefined) pattern += escaped(meaning);
      else if (before >= 0) pattern += `\\${before + 1}`;
      else {
        groups.push(name);
        pattern += '(.+?)';
      }
    }
    if (from === 0) return false;
    const match = new RegExp(`^${pattern}${escaped(recorded.slice(from))}$`, 's').exec(got);
    if (match === null) return false;
    const found = groups.map((name, index) => [name, match[index + 1]!] as const);
    // Two numbered names of a kind are two things.
    if (found.some(([name, meaning]) => this.isTaken(name, meaning))) return false;
    for (const [name, meaning] of found) this.meanings.set(name, meaning);
    return true;
  }

  private isTaken(name: string, meaning: string): boolean {
    const kind = /^(<.+:)\d+>$/.exec(name)?.[1];
    if (kind === undefined) return false;
    return [...this.meanings].some(([other, its]) => its === meaning && other !== name && other.startsWith(kind));
  }
}

function isTransport(value: Members): boolean {
  return isMembers(value.AllHttpHeaders) && isMembers(value.HttpHeaders) && 'HttpStatusCode' in value;
}

function parsed(text: string): Value {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const short = (value: Value) => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
};

function first(checks: readonly (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const why = check();
    if (why !== undefined) return why;
  }
  return undefined;
}
