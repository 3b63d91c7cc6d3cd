/** `shiplock completion`: scripts with which shells complete commands, options and the names of the pipeline. */
import type { Command } from 'commander';
import type { SourceOptions } from '../connection/options.ts';
import { UsageError } from '../terminal/errors.ts';
import { print } from '../terminal/output.ts';
import { plain } from '../terminal/text.ts';
import { withExamples, withSource } from './shared/options.ts';

export function addCompletion(program: Command): void {
  const command = program
    .command('completion')
    .description('print a script that completes commands, options and names in a shell')
    .argument('<shell>', 'bash, zsh or fish');
  withExamples(
    command,
    'completion bash > ~/.local/share/bash-completion/completions/shiplock',
    'completion zsh > ~/.zfunc/_shiplock',
    'completion fish > ~/.config/fish/completions/shiplock.fish',
  );
  // Does not begin with the command's own name.
  command.addHelpText('after', '  $ source <(shiplock completion zsh)').action(async (shell: string) => {
    const { bash, fish, zsh } = await import('../completion/scripts.ts');
    if (shell === 'bash') return print(bash(program));
    if (shell === 'zsh') return print(zsh(program));
    if (shell === 'fish') return print(fish(program));
    throw new UsageError(`no completion for ${plain(shell)}; there are bash, zsh and fish`);
  });
  // What those scripts ask: a line for each word, what it is after a tabulator. Where nothing is known, nothing is said.
  withSource(program.command('complete', { hidden: true }).argument('<kind>')).action(async (kind: string, options: SourceOptions) => {
    const { KINDS, words } = await import('../completion/names.ts');
    const { isInert } = await import('../completion/scripts.ts');
    const known = KINDS.find((one) => one === kind);
    const found = known === undefined ? [] : await words(known, options).catch(() => []);
    for (const [word, about] of found) if (isInert(word)) print(about === '' ? word : `${word}\t${plain(about)}`);
  });
}
