/** `shiplock logs`: what the tasks of a service say. */
import type { Command } from 'commander';
import { dayTime } from '../../domain/text/times.ts';
import type { SourceOptions } from '../connection/options.ts';
import { dim } from '../terminal/colours.ts';
import { UsageError } from '../terminal/errors.ts';
import { note, print } from '../terminal/output.ts';
import { plain } from '../terminal/text.ts';
import { wholeNumber, withExamples, withSource } from './shared/options.ts';

type Options = SourceOptions & { readonly limit: number; readonly follow?: boolean };

export function addLogs(program: Command): void {
  const command = program
    .command('logs')
    .description('print the logs of a service, oldest first')
    .argument('<service>', 'its name in the configuration')
    .argument('<environment>', 'where')
    .option('--limit <count>', 'how many of the newest lines', wholeNumber, 100)
    .option('--follow', 'print new lines until Ctrl-C');
  withExamples(withSource(command), 'logs orders-web test --follow').action(async (name: string, where: string, options: Options) => {
    const { openSource } = await import('../connection/open.ts');
    const { knownEnvironment, knownService } = await import('../../queries/names.ts');
    const source = await openSource(options);
    const service = knownService(source, name);
    const environment = knownEnvironment(source, where);
    if (source.connection === undefined) throw new UsageError('a rehearsal leaves no logs; run `shiplock local` and ask there');
    const { Logs } = await import('../../aws/logs.ts');
    const { logGroup } = await import('../../domain/pipeline/names.ts');
    const { whileWorking } = await import('../terminal/spinner.ts');
    const { pause } = await import('../terminal/watch.ts');
    const logs = new Logs(source.connection);
    const group = logGroup(source.pipeline.name, environment, service);
    if (options.follow) process.once('SIGINT', () => process.exit(0));
    const told = new Set<string>();
    let lines: Awaited<ReturnType<typeof logs.lines>> = [];
    for (const span of SPANS) {
      lines = await whileWorking('reads the log…', () => logs.lines(group, source.now() - span));
      if (lines.length >= options.limit) break;
    }
    let latest = lines.at(-1)?.at;
    const older = lines.slice(0, Math.max(0, lines.length - options.limit));
    for (const { id } of older) told.add(id);
    if (lines.length === 0 && !options.follow) note(`${service} has logged nothing in ${environment} within the last 30 days`);
    for (;;) {
      for (const { id, at, stream, text } of lines) {
        if (told.has(id)) continue;
        told.add(id);
        latest = Math.max(at, latest ?? at);
        if (options.json) print(JSON.stringify({ at: new Date(at).toISOString(), stream, text }));
        else print(`${dim(`${dayTime(at, source.timeZone)} ${plain(stream.split('/').at(-1) ?? '').slice(0, 8)}`)} ${plain(text)}`);
      }
      if (!options.follow) return;
      await pause();
      // From the last line on, by the clock of the log: the one here may be another.
      lines = await logs.lines(group, Math.min(latest ?? Number.POSITIVE_INFINITY, source.now()) - OVERLAP);
    }
  });
}

/** How far back is looked, further only if there is too little: pages come oldest first. Milliseconds. */
const SPANS = [10 * 60_000, 3_600_000, 24 * 3_600_000, 7 * 24 * 3_600_000, 30 * 24 * 3_600_000];
/** Lines of several tasks do not come in order: a little is read again. */
const OVERLAP = 60_000;
