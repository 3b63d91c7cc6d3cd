/** `shiplock deploy`: a tag of a service's image into an environment, through the pipeline. */
import type { Command } from 'commander';
import { type DecideOptions, withWait } from './shared/decision.ts';
import { inWords, withExamples } from './shared/options.ts';

type Options = DecideOptions & { readonly hotfix?: string };

export function addDeploy(program: Command): void {
  const command = program
    .command('deploy')
    .description('promote the image of a service, by its tag, into an environment; approvals are asked for as always')
    .argument('<service>', 'its name in the configuration')
    .argument('<tag>', 'tag of its image')
    .argument('<environment>', 'where to')
    .option('--hotfix <reason>', 'pass a freeze and the stages before; the reason is kept in the journal', inWords);
  withExamples(withWait(command), 'deploy orders-web git_cf7edb2 test --wait').action(
    async (service: string, tag: string, environment: string, options: Options) => {
      const { openSource } = await import('../connection/open.ts');
      const { knownEnvironment, knownService } = await import('../../queries/names.ts');
      const { carryOut, confirmLive } = await import('./shared/decision.ts');
      const { findRelease, repositoryOf } = await import('../../queries/releases.ts');
      const source = await openSource(options);
      knownService(source, service);
      const to = knownEnvironment(source, environment);
      const { repository, digest } = await findRelease(source, repositoryOf(source, service), tag);
      await confirmLive(source, [to], `deploy ${service} ${tag} to ${to}`, options);
      await carryOut(source, { verb: 'promote', repository, digest, to, ...(options.hotfix ? { hotfix: options.hotfix } : {}) }, options);
    },
  );
}
