/** `shiplock status`: what is where, what waits for whom, what failed and why. */
import type { Command } from 'commander';
import { dayTime } from '../../domain/text/times.ts';
import type { SourceOptions } from '../connection/options.ts';
import { print, printJson } from '../terminal/output.ts';
import { withExamples, withSource } from './shared/options.ts';

type Options = SourceOptions & { readonly all?: boolean; readonly watch?: boolean };

export function addStatus(program: Command): void {
  const command = program
    .command('status')
    .description('show what every environment runs, what waits for whom, and what failed and why')
    .option('--all', 'a row for every service, and a line for every release in progress')
    .option('--watch', 'show it again whenever something has changed, until Ctrl-C');
  withExamples(withSource(command), 'status', 'status --watch').action(async (options: Options) => {
    const { openSource } = await import('../connection/open.ts');
    const { statusOf } = await import('../../queries/status.ts');
    const { drawStatus } = await import('../terminal/status-table.ts');
    const source = await openSource(options);
    if (options.watch) {
      const { follow, watch } = await import('../terminal/watch.ts');
      const see = () => statusOf(source);
      if (options.json)
        return follow(
          see,
          (view) => JSON.stringify(view),
          (view) => JSON.stringify({ ...view, at: '' }),
        );
      return watch(
        see,
        (view, rows) => drawStatus(view, source.timeZone, options.all === true, rows),
        ({ pipeline, at }) => `${pipeline}, ${dayTime(Date.parse(at), source.timeZone)}`,
      );
    }
    const view = await statusOf(source);
    if (options.json) printJson(view);
    else print(drawStatus(view, source.timeZone, options.all === true));
  });
}
