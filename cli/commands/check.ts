/** `shiplock check`: is the configuration right? */
import type { Command } from 'commander';
import { dim, good } from '../terminal/colours.ts';
import { print, printJson } from '../terminal/output.ts';

export function addCheck(program: Command): void {
  program
    .command('check')
    .description('check the configuration and its templates')
    .argument('[config]', 'a shiplock.config.ts, or its folder')
    .option('--json', 'print the complete pipeline as JSON')
    .addHelpText('after', '\nExample:\n  $ shiplock check examples/acme')
    .action(async (config: string | undefined, options: { json?: boolean }) => {
      const { configPath, loadPipeline } = await import('../connection/configuration.ts');
      const pipeline = await loadPipeline(configPath(config));
      if (options.json) return printJson(pipeline);
      const count = (noun: string, things: object) => `${Object.keys(things).length} ${noun}`;
      print(
        `${good('✓')} ${pipeline.name}: ${count('repositories', pipeline.repositories)}, ${count('services', pipeline.services)}, ${count('environments', pipeline.environments)}`,
      );
      print(`  path ${pipeline.path.map(({ name, approval }) => (approval ? `[approval] ${name}` : name)).join(' → ')}`);
      print(dim(`  ${pipeline.digest}`));
    });
}
