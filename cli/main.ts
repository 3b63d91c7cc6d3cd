/** The command `shiplock`: reads the words, runs the verb, and ends with the exit code that scripts rely on. */
import { Command, CommanderError } from 'commander';
import { EXIT } from './output.ts';

/** Verbs are loaded when they are used, so that `--help` starts fast. */
async function build(): Promise<Command> {
  const program = new Command('shiplock')
    .description('Continuous delivery for Amazon ECS: a pushed image climbs to live, one gate after the other.')
    .version('0.1.0')
    .showHelpAfterError('(see shiplock --help)')
    .exitOverride()
    .configureHelp({ showGlobalOptions: false });
  const { addCheck } = await import('./commands/check.ts');
  const { addPlan } = await import('./commands/plan.ts');
  const { addRehearse } = await import('./commands/rehearse.ts');
  const { addSynth } = await import('./commands/synth.ts');
  const { addReleases } = await import('./commands/releases.ts');
  const { addStatus } = await import('./commands/status.ts');
  const { addHistory } = await import('./commands/history.ts');
  const { addJournal } = await import('./commands/journal.ts');
  for (const add of [addCheck, addPlan, addRehearse, addSynth, addReleases, addStatus, addHistory, addJournal]) add(program);
  for (const command of program.commands) command.exitOverride();
  return program;
}

try {
  const program = await build();
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error as Error);
}

/** One clear message; a stack only where the fault is ours. */
function report(error: Error): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  switch (error.name) {
    case 'UsageError':
    case 'ConfigError':
    case 'RenderError':
      process.stderr.write(`${error.message}\n`);
      return EXIT.usage;
    default:
      process.stderr.write(`shiplock failed: ${process.env.SHIPLOCK_DEBUG ? error.stack : error.message}\n`);
      return EXIT.failed;
  }
}
