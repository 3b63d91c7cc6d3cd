/** `shiplock completion`: scripts with which shells complete commands and options. */
import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import { print, UsageError } from '../output.ts';

export function addCompletion(program: Command): void {
  const command = program
    .command('completion')
    .description('a script that completes commands and options')
    .argument('<shell>', 'bash or zsh');
  withExamples(
    command,
    'completion bash > ~/.local/share/bash-completion/completions/shiplock',
    'completion zsh > ~/.zfunc/_shiplock',
  ).action((shell: string) => {
    const commands = program.commands.filter((one) => one.name() !== 'help');
    if (shell === 'bash') return print(bash(commands));
    if (shell === 'zsh') return print(zsh(commands));
    throw new UsageError(`no completion for ${shell}; there are bash and zsh`);
  });
}

const longs = (command: Command) => [...command.options.flatMap(({ long }) => long ?? []), '--help'];

const bash = (commands: readonly Command[]) => `_shiplock() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${commands.map((one) => one.name()).join(' ')} help"
  else
    case "\${COMP_WORDS[1]}" in
${commands.map((one) => `      ${one.name()}) words="${longs(one).join(' ')}" ;;`).join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _shiplock shiplock`;

const quoted = (text: string) => text.replaceAll("'", "'\\''").replaceAll('[', '(').replaceAll(']', ')').replaceAll(':', ' –');

const zsh = (commands: readonly Command[]) => `#compdef shiplock
_shiplock() {
  local -a verbs
  verbs=(
${commands.map((one) => `    '${one.name()}:${quoted(one.description())}'`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command verbs
    return
  fi
  case "$words[2]" in
${commands.map((one) => `    ${one.name()}) _arguments '*:file:_files' ${one.options.map((option) => `'${option.long}[${quoted(option.description)}]${option.required ? ':value:' : ''}'`).join(' ')} ;;`).join('\n')}
  esac
}
compdef _shiplock shiplock`;
