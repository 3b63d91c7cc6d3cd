/** `shiplock status`: what is where, and what waits for whom. */
import type { Command } from 'commander';
import { DATA_FOLDER } from '../folder.ts';
import { bad, clockTime, heading, print, printJson, table } from '../output.ts';

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('environments side by side, what waits for whom, what failed and why')
    .option('--data <folder>', 'the state that a rehearsal left', DATA_FOLDER)
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  $ shiplock status')
    .action(async (options: { data: string; json?: boolean }) => {
      const { openData } = await import('../data.ts');
      const { ledger, state } = openData(options.data);
      const environments = await Promise.all(
        state.environments.map(async (name) => ({
          name,
          manifest: await ledger.manifest(name),
          services: await ledger.services(name),
          frozen: (await ledger.freeze(name)) ?? null,
        })),
      );
      const climbing = await ledger.climbing();
      if (options.json) return printJson({ environments, climbing });
      const repositories = [...new Set(environments.flatMap(({ manifest }) => manifest.map(({ repository }) => repository)))].sort();
      const rows = repositories.map((repository) => [
        repository,
        ...environments.map(({ manifest }) => manifest.find((record) => record.repository === repository)?.tag ?? '–'),
      ]);
      const asleep = environments.map(({ services }) =>
        services.length > 0 && services.every(({ state: one }) => one !== 'running') ? 'asleep' : '',
      );
      print(table(['runs', ...state.environments], [...rows, ['', ...asleep]]));
      for (const { name, frozen } of environments) if (frozen) print(bad(`${name} is frozen by ${frozen.by}: ${frozen.reason}`));
      const fallen = (await ledger.releases(20)).filter(
        (release) => release.state === 'failed' || release.state === 'errored' || release.state === 'refused',
      );
      if (fallen.length > 0) {
        print(heading('did not make it lately'));
        const rows = fallen
          .slice(0, 5)
          .map(({ repository, tag, state: how, reason, endedAt }) => [
            `${repository} ${tag}`,
            clockTime(Date.parse(endedAt ?? ''), state.timeZone),
            how,
            reason ?? '',
          ]);
        print(table(['release', 'ended', 'state', 'why'], rows));
      }
      if (climbing.length > 0) {
        print(heading('on their way'));
        const waiting = climbing.map(({ repository, tag, stage, waitsFor, admittedAt }) => [
          `${repository} ${tag}`,
          stage ?? '',
          clockTime(Date.parse(admittedAt), state.timeZone),
          waitsFor ?? 'moves',
        ]);
        print(table(['release', 'stage', 'since', 'waits for'], waiting));
      }
    });
}
