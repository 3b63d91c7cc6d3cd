/** Waits for a release, a promotion or an order to end, telling what happens, at the pace of people. */

import type { Pipeline } from '../../../domain/pipeline/pipeline.ts';
import { inZone } from '../../../domain/text/times.ts';
import { type Awaited, entriesOf, mayCome, type Outcome, outcomeOf, releaseFinder } from '../../../queries/outcome.ts';
import type { Source } from '../../connection/source.ts';
import { EXIT, UsageError } from '../../terminal/errors.ts';
import { journalLine } from '../../terminal/journal-line.ts';
import { note } from '../../terminal/output.ts';
import { working } from '../../terminal/spinner.ts';
import { plain } from '../../terminal/text.ts';
import { pause } from '../../terminal/watch.ts';

interface WaitOptions {
  readonly minutes: number;
  readonly silent: boolean;
  /** Only until it runs in this environment, its checks passed. */
  readonly environment?: string;
  /** Between two reads, in milliseconds. @default two seconds */
  readonly pace?: number;
}

/** 0 succeeded, 3 refused or superseded, 1 all else. */
export function exitCodeOf({ outcome }: Outcome): number {
  switch (outcome) {
    case 'succeeded':
      return EXIT.done;
    case 'refused':
    case 'superseded':
      return EXIT.refused;
    case 'failed':
    case 'errored':
    case 'waiting':
      return EXIT.failed;
  }
}

/** So often nothing of a name may be known before it counts as wrong: what was ordered a moment ago may still begin. */
const PATIENCE = 15;

/** @throws UsageError if nothing of that name is known after a while */
export async function waitFor(source: Source, awaited: Awaited, options: WaitOptions): Promise<Outcome> {
  const end = Date.now() + options.minutes * 60_000;
  const told = new Set<string>();
  const find = releaseFinder(source, awaited);
  for (let looks = 1; ; looks++) {
    const found = await find();
    const execution = found.release?.execution ?? ('execution' in awaited ? awaited.execution : '');
    if (!options.silent && execution !== '')
      for (const entry of await entriesOf(source, execution))
        if (!told.has(`${entry.subject}/${entry.event}`)) {
          told.add(`${entry.subject}/${entry.event}`);
          note(journalLine(entry, source.timeZone));
        }
    const stands = await outcomeOf(source, execution, found.release, options.environment);
    if (stands !== undefined && stands.outcome !== 'waiting') return { execution, ...stands };
    const known = stands !== undefined || 'digest' in awaited;
    if (!known && (looks > PATIENCE || source.kind === 'rehearsal' || !mayCome(source.pipeline, execution)))
      throw new UsageError(`no release or execution named ${plain(execution)} is known${wayOut(source.pipeline, execution)}`);
    if (source.kind === 'rehearsal' || Date.now() >= end)
      return { execution, outcome: 'waiting', reason: stands?.reason ?? 'it has not begun' };
    working(inZone(plain(stands?.reason ?? 'it has not begun'), source.timeZone));
    await pause(options.pace);
  }
}

function wayOut({ repositories }: Pipeline, name: string): string {
  const repository = Object.keys(repositories).find((one) => name === one || name.startsWith(`${one}:`));
  if (repository === undefined) return '; see shiplock status';
  return `; write a release as REPOSITORY@TAG, such as ${repository}@${plain(name.slice(repository.length + 1)) || 'TAG'}`;
}
