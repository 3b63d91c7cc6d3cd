/** `shiplock releases`: what was pushed, how far it came, and why it ended. */
import type { Command } from 'commander';
import { DATA_FOLDER } from '../folder.ts';
import { clockTime, print, printJson, table, wholeNumber } from '../output.ts';

export function addReleases(program: Command): void {
  program
    .command('releases')
    .description('list releases, newest first')
    .option('--limit <count>', 'at most so many', wholeNumber, 100)
    .option('--data <folder>', 'the state that a rehearsal left', DATA_FOLDER)
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  $ shiplock releases --limit 20')
    .action(async (options: { limit: number; data: string; json?: boolean }) => {
      const { openData } = await import('../data.ts');
      const { shortDigest } = await import('../../domain/release.ts');
      const { ledger, state } = openData(options.data);
      const releases = await ledger.releases(options.limit);
      if (options.json) return printJson(releases);
      const rows = releases.map((release) => [
        release.repository,
        release.tag,
        shortDigest(release.digest).slice(0, 7),
        clockTime(Date.parse(release.admittedAt), state.timeZone),
        release.state,
        release.reason ?? (release.waitsFor ? `waits for ${release.waitsFor}` : (release.message ?? '')),
      ]);
      print(table(['repository', 'tag', 'digest', 'admitted', 'state', 'why, or what'], rows));
    });
}
