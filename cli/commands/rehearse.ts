/** `shiplock rehearse`: plays a script on local AWS in virtual time, and ends red if anything it expects did not happen. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { DATA_FOLDER } from '../connection/folder.ts';
import type { SavedState } from '../connection/saved-state.ts';
import { bad, good, heading, isTerminal } from '../terminal/colours.ts';
import { EXIT, UsageError } from '../terminal/errors.ts';
import { print, printJson } from '../terminal/output.ts';
import { table } from '../terminal/table.ts';
import { wholeNumber } from './shared/options.ts';

interface Options {
  readonly config?: string;
  readonly script?: string;
  readonly seed: number;
  readonly data: string;
  readonly json?: boolean;
}

export function addRehearse(program: Command): void {
  program
    .command('rehearse')
    .description('play a week of the pipeline on this machine, without an AWS account')
    .option('--config <path>', 'a shiplock.config.ts, or its folder')
    .option('--script <file>', 'script to play (default: week.ts beside the configuration)')
    .option('--seed <number>', 'seed of all chance: the same seed gives the same journal', wholeNumber, 1)
    .option('--data <folder>', 'where to leave the state for the commands that read', DATA_FOLDER)
    .option('--json', 'print JSON for programs')
    .addHelpText('after', '\nExample:\n  $ shiplock rehearse --config examples/acme --seed 7')
    .action(async (options: Options) => {
      process.exitCode = await rehearse(options);
    });
}

async function rehearse(options: Options): Promise<number> {
  const began = performance.now();
  const { configPath } = await import('../connection/configuration.ts');
  const config = configPath(options.config);
  const scriptFile = options.script ? resolve(options.script) : join(dirname(config), 'week.ts');
  if (!existsSync(scriptFile))
    throw new UsageError(`${options.script ?? scriptFile}: there is no such script; see examples/acme/week.ts for one`);
  const { default: script } = (await import(pathToFileURL(scriptFile).href)) as { default?: import('../../rehearsal/script.ts').Script };
  if (!Array.isArray(script?.steps))
    throw new UsageError(`${scriptFile}: exports no rehearsal; write \`export default defineRehearsal({ … })\``);
  const { LocalPipeline } = await import('../../rehearsal/local-pipeline.ts');
  const { play } = await import('../../rehearsal/play.ts');
  const { timeOf } = await import('../../rehearsal/script.ts');
  const { LiveView } = await import('../terminal/rehearsal.ts');
  const { bill } = await import('../../rehearsal/bill.ts');

  const view = new LiveView(script.timeZone, options.json === true, isTerminal());
  view.say('synthesises the pipeline and boots local AWS from it');
  const local = await LocalPipeline.open({ config, start: timeOf(script, 'Mon 00:00') + 5 * 3_600_000, seed: options.seed });
  try {
    view.booted(performance.now() - began);
    const played = await play(local, script, view);
    view.end();
    const failed = played.checks.filter(({ holds }) => !holds);
    const account = bill(local, played.journal);
    leave(local, script.timeZone, options.data);
    if (options.json) {
      printJson({ seed: options.seed, checks: played.checks, traffic: played.traffic, journal: played.journal, bill: account });
      return failed.length === 0 ? EXIT.done : EXIT.failed;
    }
    const environments = Object.keys(local.pipeline.environments);
    const manifests = await Promise.all(environments.map((name) => local.ledger.manifest(name)));
    print(heading('What runs where'));
    const rows = Object.keys(local.pipeline.repositories).map((repository) => [
      repository,
      ...manifests.map((manifest) => manifest.find((record) => record.repository === repository)?.tag ?? '–'),
    ]);
    print(table(['', ...environments], rows));
    print(heading('What it cost'));
    print(
      table(
        ['', 'amount', 'dollars'],
        account.lines.map(({ what, amount, dollars }) => [what, amount, dollars]),
      ),
    );
    for (const sentence of account.sentences) print(sentence);
    print(heading('What was expected'));
    for (const { at, what, holds, found } of played.checks)
      print(`${holds ? good('✓') : bad('✗')} ${at}  ${what}${holds ? '' : bad(`, but: ${found}`)}`);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    print('');
    if (failed.length === 0)
      print(good(`All ${played.checks.length} expectations met: one week in ${seconds} s. See what is left: npx shiplock status`));
    else print(bad(`${failed.length} of ${played.checks.length} expectations were not met (${seconds} s).`));
    return failed.length === 0 ? EXIT.done : EXIT.failed;
  } finally {
    await local.close();
  }
}

/** Leaves the ledger and the journal for the commands that read. */
function leave(local: import('../../rehearsal/local-pipeline.ts').LocalPipeline, timeZone: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const state: SavedState = {
    pipeline: local.pipeline.name,
    definition: local.pipeline,
    account: local.site.account,
    region: local.site.region,
    timeZone,
    now: local.clock.now(),
    environments: Object.keys(local.pipeline.environments),
    services: { dynamodb: local.site.find('dynamodb').save?.() },
  };
  writeFileSync(join(folder, 'state.json'), JSON.stringify(state));
}
