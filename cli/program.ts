/** The program that `shiplock` is: its verbs with their words, and its help. */
import { Command } from 'commander';
import { addAbort } from './commands/abort.ts';
import { addApprovals } from './commands/approvals.ts';
import { addApprove } from './commands/approve.ts';
import { addBuilds } from './commands/builds.ts';
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
import { type Overview, renderOverview } from './terminal/help.ts';

/** In the order of the help, by what one wants to do. */
const COMMANDS: readonly (readonly [title: string, commands: readonly ((program: Command) => void)[]])[] = [
  ['Prepare and try', [addCheck, addPlan, addRehearse, addLocal, addPush, addSynth, addExport]],
  ['See what is where', [addStatus, addReleases, addApprovals, addHistory, addJournal, addLogs, addBuilds, addWait]],
  ['Decide', [addApprove, addReject]],
  ['Move releases', [addDeploy, addPromote, addRollback, addAbort, addRestart]],
  ['Keep releases out', [addPin, addUnpin, addFreeze, addThaw]],
  ['Environments on demand', [addWake, addTeardown, addExtend]],
  ['Help', [addCompletion]],
];

/** What a verb does is loaded when it is used. */
export function program(): Command {
  const shiplock = new Command('shiplock')
    .description('Continuous delivery for Amazon ECS: a pushed image moves to live, one gate after the other.')
    .version('0.1.0')
    .showHelpAfterError('(see shiplock --help)')
    .exitOverride();
  for (const [title, commands] of COMMANDS)
    for (const add of commands) {
      const before = shiplock.commands.length;
      add(shiplock);
      for (const command of shiplock.commands.slice(before)) command.helpGroup(title);
    }
  addHelp(shiplock.helpCommand(false));
  for (const command of shiplock.commands) command.exitOverride().showHelpAfterError(`(see shiplock ${command.name()} --help)`);
  return shiplock.configureHelp({ formatHelp: (command, { helpWidth }) => renderOverview(overviewOf(command), helpWidth) });
}

/** Commander's own shows the overview for a command that is not there, as if nothing were wrong. */
function addHelp(shiplock: Command): void {
  shiplock
    .command('help')
    .helpGroup('Help')
    .description('display help for command')
    .argument('[command]')
    .action(async (name: string | undefined) => {
      const found = shiplock.commands.find((command) => command.name() === name);
      if (found) return found.help();
      if (name === undefined) return shiplock.help();
      // Which says what it is not, and what is near.
      await shiplock.parseAsync([name], { from: 'user' });
    });
}

/** What the help of the program itself shows; the build writes it down, so that `--help` need not build the program. */
export function overviewOf(shiplock: Command): Overview {
  const help = shiplock.createHelp();
  return {
    usage: help.commandUsage(shiplock),
    description: shiplock.description(),
    lists: [
      { title: 'Options', rows: help.visibleOptions(shiplock).map((option) => [option.flags, option.description]) },
      ...COMMANDS.map(([title]) => ({
        title,
        rows: help
          .visibleCommands(shiplock)
          .filter((command) => command.helpGroup() === title)
          .map((command) => [help.subcommandTerm(command).replace(' [options]', ''), help.subcommandDescription(command)]),
      })),
    ],
  };
}
