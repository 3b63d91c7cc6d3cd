/** `shiplock teardown`: takes an on-demand environment down, or says what that would take. */
import type { Command } from 'commander';
import type { TeardownPreview } from '../../queries/teardown.ts';
import { print, printJson } from '../terminal/output.ts';
import { wrapped } from '../terminal/text.ts';
import { type DecideOptions, withWait } from './shared/decision.ts';
import { withExamples } from './shared/options.ts';

export function addTeardown(program: Command): void {
  const command = program
    .command('teardown')
    .description('take an on-demand environment down; the next wake brings back what runs now')
    .argument('<environment>', 'which')
    .option('--preview', 'only show what would be removed, and what stays and still costs');
  withExamples(withWait(command), 'teardown test --preview', 'teardown test --wait').action(
    async (name: string, options: DecideOptions & { preview?: boolean }) => {
      const { openSource } = await import('../connection/open.ts');
      const { knownEnvironment } = await import('../../queries/names.ts');
      const { carryOut } = await import('./shared/decision.ts');
      const source = await openSource(options);
      const environment = knownEnvironment(source, name);
      if (options.preview) {
        const { teardownPreview } = await import('../../queries/teardown.ts');
        const preview = await teardownPreview(source, environment);
        return options.json ? printJson(preview) : draw(preview);
      }
      await carryOut(source, { verb: 'teardown', environment }, options);
    },
  );
}

function draw({ environment, state, depth, goes, stays, costs }: TeardownPreview): void {
  print(`${environment} is ${state}; its teardown (depth: ${depth})`);
  const line = (head: string, what: readonly string[]) =>
    print(wrapped(`  ${head.padEnd(12)}${what.join('; ') || 'nothing'}`, ' '.repeat(14)));
  line('takes down', goes);
  line('leaves', stays);
  line('still costs', costs);
}
