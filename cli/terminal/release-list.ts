/** Releases to choose from: which there are, where each runs, and the choice itself on a terminal. */

import { inZone } from '../../domain/text/times.ts';
import type { Readers } from '../../queries/readers.ts';
import type { ReleaseView } from '../../queries/releases.ts';
import { bad, dim, heading, warn, width } from './colours.ts';
import { UsageError } from './errors.ts';
import { ask } from './prompt.ts';
import { table } from './table.ts';
import { age, plain, titleOf, wrap } from './text.ts';

/** From so many columns on, the message stands beside the rest. */
const WIDE = 110;

/** The mailbox, without its domain. */
const byline = ({ author }: Pick<ReleaseView, 'author'>) => (author ?? '').replace(/@.*$/, '') || 'nobody known';

/** The last two, as they are the furthest up the path. */
const furthest = (names: readonly string[]) =>
  names.length > 2 ? `${names.slice(-2).join(', ')} +${names.length - 2}` : names.join(', ') || '–';

/** How it stands, if that is worth a word. */
function wordOn({ state, waitsFor, reason, stage }: ReleaseView, timeZone: string): string {
  if (waitsFor) return `waits for ${inZone(waitsFor, timeZone)}`;
  if (state === 'in-progress') return `in progress${stage ? `, in ${stage}` : ''}`;
  return state === 'succeeded' ? '' : `${state}${reason ? `: ${inZone(reason, timeZone)}` : ''}`;
}

const paintOf = ({ state, waitsFor }: ReleaseView) => (waitsFor || state === 'in-progress' ? warn : state === 'superseded' ? dim : bad);

/** A line for each release, in a pipe; on a terminal its message and what became of it below, where they do not fit. */
export function drawReleases(list: readonly ReleaseView[], now: number, timeZone: string): string {
  const cells = (release: ReleaseView) => [
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
export function drawRelease(
  chosen: ReleaseView,
  source: Pick<Readers, 'pipeline' | 'now'> & { readonly timeZone: string },
  more: string,
): string {
  const lines = nextOf(chosen, source).map((words) => `  shiplock ${words}${more}`);
  const drawn = drawReleases([chosen], source.now(), source.timeZone);
  return lines.length === 0 ? drawn : [drawn, heading('Next commands'), ...lines].join('\n');
}

/** Commands, without the program's own name. */
export function nextOf(
  { repository, tag, state, waitsFor, runsIn, verifiedIn }: ReleaseView,
  { pipeline: { path } }: Pick<Readers, 'pipeline'>,
) {
  const name = `${plain(repository)}@${plain(tag)}`;
  if (waitsFor?.startsWith('approval')) return [`approve ${name}`, `reject ${name} --reason "…"`];
  if (state === 'in-progress') return [`wait ${name}`];
  const away = path.flatMap(({ environments }) => environments).filter((one) => !runsIn.includes(one));
  const to = away.find((one) => !verifiedIn.includes(one)) ?? away.at(-1);
  return to === undefined ? [] : [`plan promote ${name} --to ${to}`, `promote ${name} --to ${to}`];
}

/** Lets a person choose: from a list that moves, or by number or tag where the terminal cannot. @throws UsageError if nothing is chosen; InterruptedError */
export async function choose(list: readonly ReleaseView[], now: number, timeZone: string): Promise<ReleaseView> {
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
          [wordOn(release, timeZone), release.verifiedIn.length > 0 ? `verified in ${release.verifiedIn.join(', ')}` : '']
            .filter(Boolean)
            .join('; '),
        ],
      })),
    );
    const found = list.find(({ number }) => number === chosen?.number);
    if (found === undefined) throw new UsageError('nothing chosen');
    return found;
  }
  process.stderr.write(`${drawReleases(list, now, timeZone)}\n`);
  for (;;) {
    const answer = await ask(`which one? 1–${list.length}, a tag, or nothing to leave: `);
    if (answer === '') throw new UsageError('nothing chosen');
    const found = list.find(({ number, tag }) => String(number) === answer || tag === answer);
    if (found) return found;
    process.stderr.write(`no ${plain(answer)} in this list\n`);
  }
}
