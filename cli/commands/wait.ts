/** `shiplock wait`: until something has ended, for scripts and CI; the exit code says how. */
import type { Command } from 'commander';
import { inZone } from '../../domain/text/times.ts';
import type { SourceOptions } from '../connection/options.ts';
import { bad, good } from '../terminal/colours.ts';
import { print, printJson } from '../terminal/output.ts';
import { plain, wrapped } from '../terminal/text.ts';
import { wholeNumber, withExamples, withSource } from './shared/options.ts';

type Options = SourceOptions & { readonly timeout: number; readonly in?: string };

export function addWait(program: Command): void {
  const command = program
    .command('wait')
    .description(
      'wait until a release or a promotion has ended; exit code 0 succeeded, 1 failed or the time was up, 3 refused or superseded',
    )
    .argument('<what>', 'REPOSITORY@TAG, or the name of an execution')
    .option('--in <environment>', 'only until it runs there and its checks have passed')
    .option('--timeout <minutes>', 'how long to wait', wholeNumber, 60);
  withExamples(withSource(command), 'wait orders@git_cf7edb2 --in test', 'wait orders-cf7edb2a90b1-1 --timeout 30').action(
    async (what: string, options: Options) => {
      const { openSource } = await import('../connection/open.ts');
      const { knownEnvironment } = await import('../../queries/names.ts');
      const { exitCodeOf, waitFor } = await import('./shared/wait.ts');
      const source = await openSource(options);
      const environment = options.in === undefined ? undefined : knownEnvironment(source, options.in);
      const awaited = what.includes('@') ? await releaseOf(source, what) : { execution: what };
      const end = await waitFor(source, awaited, {
        minutes: options.timeout,
        silent: options.json === true,
        ...(environment ? { environment } : {}),
      });
      if (options.json) printJson(end);
      else if (end.outcome === 'succeeded') print(good(`✓ ${plain(what)} ${environment ? `runs in ${environment}` : 'succeeded'}`));
      else
        print(
          bad(
            wrapped(
              `✗ ${plain(what)} ${end.outcome === 'waiting' ? 'has not ended' : end.outcome}: ${inZone(plain(end.reason), source.timeZone)}`,
            ),
          ),
        );
      process.exitCode = exitCodeOf(end);
    },
  );
}

/** Just after a push the ledger may not know of it yet: a release is waited for too. */
async function releaseOf(source: import('../connection/source.ts').Source, what: string): Promise<{ repository: string; digest: string }> {
  const { splitRelease } = await import('./shared/decision.ts');
  const { findRelease } = await import('../../queries/releases.ts');
  const { repository, reference } = splitRelease(what);
  const { digest } = await findRelease(source, repository, reference);
  return { repository, digest };
}
