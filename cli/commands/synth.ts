/** `shiplock synth`: the CloudFormation that goes to AWS, and that local AWS boots from. */
import type { Command } from 'commander';
import { good } from '../terminal/colours.ts';
import { print, printJson } from '../terminal/output.ts';
import { wrapped } from '../terminal/text.ts';

export function addSynth(program: Command): void {
  program
    .command('synth')
    .description('write the CloudFormation assembly of the pipeline')
    .argument('[config]', 'a shiplock.config.ts, or its folder')
    .option('--out <folder>', 'where to write it', 'cdk.out')
    .option('--json', 'print JSON for programs')
    .addHelpText('after', '\nExample:\n  $ shiplock synth examples/acme --out cdk.out')
    .action(async (config: string | undefined, { out, json }: { out: string; json?: boolean }) => {
      const { configPath } = await import('../connection/configuration.ts');
      const { whileWorking } = await import('../terminal/spinner.ts');
      const path = configPath(config);
      const { stacks } = await whileWorking('synthesises', async () => {
        const { synthesise } = await import('../../infra/synthesis.ts');
        return synthesise({ config: path, outdir: out });
      });
      if (json) return printJson({ out, stacks });
      print(`${good('✓')} ${wrapped(`${stacks.length} stacks in ${out}: ${stacks.join(', ')}`)}`);
    });
}
