/** Releases to choose from: which there are, where each runs, and the choice itself on a terminal. */
import { createInterface } from 'node:readline';
import type { ReleaseRecord } from '../../domain/ledger/records.ts';
import type { Source } from '../connection/source.ts';
import { age, bad, dim, heading, InterruptedError, inZone, plain, table, titleOf, UsageError, warn, width, wrap } from './output.ts';
import { rest } from './spinner.ts';

export type Choice = ReleaseRecord & {
  readonly number: number;
  readonly runsIn: readonly string[];
  readonly verifiedIn: readonly string[];
};

/** Newest first. @param verified only those whose checks held somewhere, now or before */
export async function choices(source: Source, limit: number, verified: boolean, repository?: string): Promise<Choice[]> {
  const { ledger, pipeline } = source;
  const names = Object.keys(pipeline.environments);
  const [releases, manifests, promotions] = await Promise.all([
    ledger.releases(verified || repository ? undefined : limit),
    Promise.all(names.map((name) => ledger.manifest(name))),
    verified ? Promise.all(names.map((name) => ledger.promotions(name))) : [],
  ]);
  const key = (release: { readonly repository: string; readonly digest: string }) => `${release.repository}@${release.digest}`;
  const running = new Map<string, string[]>();
  for (const record of manifests.flat()) running.set(key(record), [...(running.get(key(record)) ?? []), record.environment]);
  const held = new Map<string, Set<string>>();
  for (const { state, release, environment } of promotions.flat())
    if (state === 'succeeded') held.set(key(release), (held.get(key(release)) ?? new Set()).add(environment));
  return releases
    .filter((release) => (repository === undefined || release.repository === repository) && (!verified || held.has(key(release))))
    .slice(0, limit)
    .map((release, index) => ({
      ...release,
      number: index + 1,
      runsIn: running.get(key(release)) ?? [],
      verifiedIn: names.filter((name) => held.get(key(release))?.has(name)),
    }));
}

/** From so many columns on, the message stands beside the rest. */
const WIDE = 110;

/** The mailbox, without its domain. */
const byline = ({ author }: Pick<Choice, 'author'>) => (author ?? '').replace(/@.*$/, '') || 'nobody known';

/** The last two, as they are the furthest up the path. */
const furthest = (names: readonly string[]) =>
  names.length > 2 ? `${names.slice(-2).join(', ')} +${names.length - 2}` : names.join(', ') || '–';

/** How it stands, if that is worth a word. */
function wordOn({ state, waitsFor, reason, stage }: Choice, timeZone: string): string {
  if (waitsFor) return `waits for ${inZone(waitsFor, timeZone)}`;
  if (state === 'in-progress') return `on its way${stage ? `, in ${stage}` : ''}`;
  return state === 'succeeded' ? '' : `${state}${reason ? `: ${inZone(reason, timeZone)}` : ''}`;
}

const paintOf = ({ state, waitsFor }: Choice) => (waitsFor || state === 'in-progress' ? warn : state === 'superseded' ? dim : bad);

/** A line for each release, in a pipe; on a terminal its message and what became of it below, where they do not fit. */
export function drawChoices(list: readonly Choice[], now: number, timeZone: string): string {
  const cells = (release: Choice) => [
    String(release.number),
    titleOf(release),
    age(now - Date.parse(release.admittedAt)),
    byline(release),
    release.runsIn.join(', ') || '–',
  ];
  const head = ['', 'release', 'pushed', 'author', 'runs in'];
  if (width() === Number.POSITIVE_INFINITY)
    return table(
      [...head, 'state', 'what'],
      list.map((release) => [
        ...cells(release),
        release.state,
        [release.message, release.waitsFor ? wordOn(release, timeZone) : release.reason && inZone(release.reason, timeZone)]
          .filter(Boolean)
          .join(' – '),
      ]),
    );
  const beside = width() >= WIDE;
  const drawn = table(
    beside ? [...head, 'what'] : head,
    list.map((release) => [...cells(release), ...(beside ? [release.message ?? ''] : [])]),
  ).split('\n');
  const indent = ' '.repeat(String(list.length).length + 2);
  const below = (text: string, paint: (text: string) => string) =>
    text === '' ? [] : wrap(plain(text), width() - 1 - indent.length).map((line) => indent + paint(line));
  return [
    drawn[0] ?? '',
    ...list.flatMap((release, index) => [
      drawn[index + 1] ?? '',
      ...(beside ? [] : below(release.message ?? '', (text) => text)),
      ...below(wordOn(release, timeZone), paintOf(release)),
    ]),
  ].join('\n');
}

/** One release, and how it would go further. @param more words that say where to look, for every command */
export function drawChosen(chosen: Choice, source: Source, more: string): string {
  const lines = nextOf(chosen, source).map((words) => `  shiplock ${words}${more}`);
  const drawn = drawChoices([chosen], source.now(), source.timeZone);
  return lines.length === 0 ? drawn : [drawn, heading('What to type next'), ...lines].join('\n');
}

/** Commands, without the program's own name. */
export function nextOf({ repository, tag, state, waitsFor, runsIn, verifiedIn }: Choice, { pipeline: { path } }: Pick<Source, 'pipeline'>) {
  const name = `${plain(repository)}@${plain(tag)}`;
  if (waitsFor?.startsWith('approval')) return [`approve ${name}`, `reject ${name} --reason "…"`];
  if (state === 'in-progress') return [`wait ${name}`];
  const away = path.flatMap(({ environments }) => environments).filter((one) => !runsIn.includes(one));
  const to = away.find((one) => !verifiedIn.includes(one)) ?? away.at(-1);
  return to === undefined ? [] : [`plan promote ${name} --to ${to}`, `promote ${name} --to ${to}`];
}

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

/** Lets a person choose: from a list that moves, or by number or tag where the terminal cannot. @throws UsageError if nothing is chosen; InterruptedError */
export async function choose(list: readonly Choice[], now: number, timeZone: string): Promise<Choice> {
  if (list.length === 0) throw new UsageError('there is no such release to choose');
  if (process.env.TERM !== 'dumb') {
    const { pick } = await import('./picker.ts');
    const chosen = await pick(
      'which release?',
      list.map((release) => ({
        number: release.number,
        cells: [
          String(release.number),
          titleOf(release),
          age(now - Date.parse(release.admittedAt)),
          byline(release),
          furthest(release.runsIn),
          release.message ?? '',
        ],
        details: [
          `“${release.message ?? 'no message'}”, by ${release.author ?? 'nobody known'}${release.commit ? `, commit ${release.commit}` : ''}`,
          [wordOn(release, timeZone), release.verifiedIn.length > 0 ? `held in ${release.verifiedIn.join(', ')}` : '']
            .filter(Boolean)
            .join('; '),
        ],
      })),
    );
    const found = list.find(({ number }) => number === chosen?.number);
    if (found === undefined) throw new UsageError('nothing chosen');
    return found;
  }
  process.stderr.write(`${drawChoices(list, now, timeZone)}\n`);
  for (;;) {
    const answer = await ask(`which one? 1–${list.length}, a tag, or nothing to leave: `);
    if (answer === '') throw new UsageError('nothing chosen');
    const found = list.find(({ number, tag }) => String(number) === answer || tag === answer);
    if (found) return found;
    process.stderr.write(`no ${plain(answer)} in this list\n`);
  }
}
