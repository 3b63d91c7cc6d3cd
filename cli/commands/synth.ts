/** `shiplock synth`: the CloudFormation that goes to AWS, and that local AWS boots from. */
import type { Command } from 'commander';
import { good, print } from '../output.ts';

export function addSynth(program: Command): void {
  program
    .command('synth')
    .description('synthesise the CloudFormation assembly of the pipeline')
    .argument('[config]', 'a shiplock.config.ts, or its folder')
    .option('--out <folder>', 'where to', 'cdk.out')
    .addHelpText('after', '\nExample:\n  $ shiplock synth examples/acme --out cdk.out')
    .action(async (config: string | undefined, { out }: { out: string }) => {
      const { configPath } = await import('../pipeline.ts');
      const { synthesise } = await import('../../infra/synthesis.ts');
      const { stacks } = await synthesise({ config: configPath(config), outdir: out });
      print(`${good('✓')} ${stacks.length} stacks in ${out}: ${stacks.join(', ')}`);
    });
}
