/** Releases to choose from: which there are, where each runs, and the choice itself on a terminal. */
import { createInterface } from 'node:readline/promises';
import type { ReleaseRecord } from '../domain/records.ts';
import { age, plain, table, UsageError } from './output.ts';
import type { Source } from './source.ts';

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

export function drawChoices(list: readonly Choice[], now: number): string {
  return table(
    ['', 'release', 'pushed', 'runs in', 'author', 'state', 'what, or why'],
    list.map((release) => [
      String(release.number),
      `${release.repository} ${release.tag}`,
      age(now - Date.parse(release.admittedAt)),
      release.runsIn.join(', ') || '–',
      (release.author ?? '').replace(/@.*$/, ''),
      release.state,
      release.reason ?? (release.waitsFor ? `waits for ${release.waitsFor}` : (release.message ?? '')),
    ]),
  );
}

/** Whether somebody can be asked. */
export const canAsk = () => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** One line from the person at the keyboard; the question goes beside the result. */
export async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(question)).trim();
  } finally {
    lines.close();
  }
}

/** Lets a person choose by number or tag. @throws UsageError if nothing is chosen */
export async function choose(list: readonly Choice[], now: number): Promise<Choice> {
  if (list.length === 0) throw new UsageError('there is no such release to choose');
  process.stderr.write(`${drawChoices(list, now)}\n`);
  for (;;) {
    const answer = await ask(`which one? 1–${list.length}, a tag, or nothing to leave: `);
    if (answer === '') throw new UsageError('nothing chosen');
    const found = list.find(({ number, tag }) => String(number) === answer || tag === answer);
    if (found) return found;
    process.stderr.write(`no ${plain(answer)} in this list\n`);
  }
}
