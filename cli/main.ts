/** The command `shiplock`: reads the words, runs the verb, and ends with the exit code that scripts rely on. */
import { Command, CommanderError } from 'commander';
import { addAbort } from './commands/abort.ts';
import { addApprovals } from './commands/approvals.ts';
import { addApprove } from './commands/approve.ts';
import { addCheck } from './commands/check.ts';
import { addCompletion } from './commands/completion.ts';
import { addDeploy } from './commands/deploy.ts';
import { addExport } from './commands/export.ts';
import { addExtend } from './commands/extend.ts';
import { addFreeze } from './commands/freeze.ts';
import { addHistory } from './commands/history.ts';
import { addJournal } from './commands/journal.ts';
import { addLocal } from './commands/local.ts';
import { addLogs } from './commands/logs.ts';
import { addPin } from './commands/pin.ts';
import { addPlan } from './commands/plan.ts';
import { addPromote } from './commands/promote.ts';
import { addPush } from './commands/push.ts';
import { addRehearse } from './commands/rehearse.ts';
import { addReject } from './commands/reject.ts';
import { addReleases } from './commands/releases.ts';
import { addRestart } from './commands/restart.ts';
import { addRollback } from './commands/rollback.ts';
import { addStatus } from './commands/status.ts';
import { addSynth } from './commands/synth.ts';
import { addTeardown } from './commands/teardown.ts';
import { addThaw } from './commands/thaw.ts';
import { addUnpin } from './commands/unpin.ts';
import { addWait } from './commands/wait.ts';
import { addWake } from './commands/wake.ts';
import { EXIT, noteWrapped, plain } from './output.ts';

/** In the order of the help: prepare, look, decide, change, hold. */
const COMMANDS = [
  addCheck,
  addPlan,
  addRehearse,
  addLocal,
  addPush,
  addSynth,
  addExport,
  addStatus,
  addReleases,
  addApprovals,
  addHistory,
  addJournal,
  addLogs,
  addWait,
  addApprove,
  addReject,
  addDeploy,
  addPromote,
  addRollback,
  addAbort,
  addRestart,
  addPin,
  addUnpin,
  addFreeze,
  addThaw,
  addWake,
  addTeardown,
  addExtend,
  addCompletion,
];

/** What a verb does is loaded when it is used, so that `--help` starts fast. */
function build(): Command {
  const program = new Command('shiplock')
    .description('Continuous delivery for Amazon ECS: a pushed image climbs to live, one gate after the other.')
    .version('0.1.0')
    .showHelpAfterError('(see shiplock --help)')
    .exitOverride();
  for (const add of COMMANDS) add(program);
  for (const command of program.commands) command.exitOverride();
  return program;
}

// Whoever reads our output may stop before its end, as `head` does: that is no failure.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });

try {
  await build().parseAsync();
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
    case 'ScriptError':
      noteWrapped(error.message);
      return EXIT.usage;
    case 'RefusedError':
      noteWrapped(`refused: ${plain(error.message)}`);
      return EXIT.refused;
    case 'AccessDeniedException':
      noteWrapped(`refused by AWS: ${plain(error.message)}`);
      return EXIT.refused;
    case 'InterruptedError':
      return EXIT.interrupted;
    default:
      noteWrapped(`shiplock failed: ${process.env.SHIPLOCK_DEBUG ? error.stack : error.message}`);
      return EXIT.failed;
  }
}
