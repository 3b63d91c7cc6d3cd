/** `shiplock plan`: the requests that would be sent, rendered by the same code that sends them. */
import type { Command } from 'commander';
import { heading, print, printJson, UsageError } from '../output.ts';

export function addPlan(program: Command): void {
  program
    .command('plan')
    .description('show the requests that a release would send to ECS')
    .argument('<repository>', 'repository of the release')
    .argument('<tag>', 'its tag')
    .argument('<environment>', 'where it would go')
    .option('--digest <digest>', 'the image, where the tag is not resolved', `sha256:${'0'.repeat(64)}`)
    .option('--config <path>', 'a shiplock.config.ts, or its folder')
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  $ shiplock plan orders git_cf7edb2 test')
    .action(async (repository: string, tag: string, environment: string, options: { digest: string; config?: string; json?: boolean }) => {
      const { configPath, loadPipeline } = await import('../pipeline.ts');
      const { foundationPlaceholder, planRequests } = await import('../../domain/plan.ts');
      const pipeline = await loadPipeline(configPath(options.config));
      if (!(repository in pipeline.repositories))
        throw new UsageError(`no repository ${repository}; there are ${Object.keys(pipeline.repositories).join(', ')}`);
      if (!(environment in pipeline.environments))
        throw new UsageError(`no environment ${environment}; there are ${Object.keys(pipeline.environments).join(', ')}`);
      const release = { repository, digest: options.digest, tag, order: '', pushedAt: '' };
      const requests = planRequests(pipeline, environment, release, foundationPlaceholder(pipeline, environment));
      if (options.json) return printJson(requests);
      for (const { call, input } of requests) {
        print(heading(call));
        print(JSON.stringify(input, null, 2));
      }
    });
}
