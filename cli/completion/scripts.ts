/** Writes the completion scripts: commands and options stand in them; names of the pipeline are asked for at the Tab. */
import type { Command, Option } from 'commander';
import type { Kind } from './names.ts';

/** Whether a word says nothing to a shell: bash expands what it is offered, `$(…)` too. */
export const isInert = (word: string): boolean => /^[\w@.+:/-]+$/.test(word);

/** What stands in a place of the command line. */
type Place = Kind | 'folder' | 'file' | 'shell' | 'text';

const BY_NAME: Readonly<Record<string, Place>> = {
  environment: 'environments',
  service: 'services',
  repository: 'repositories',
  person: 'people',
  release: 'releases',
  what: 'releases',
  tag: 'tags',
  approval: 'approvals',
  folder: 'folder',
  file: 'file',
  path: 'file',
  config: 'file',
  name: 'text',
  shell: 'shell',
};

const placeOf = (name: string): Place => BY_NAME[name] ?? 'text';

/** Of an option that takes a value, by what stands between its angle brackets. */
const placeAfter = (option: Option): Place | undefined => {
  const name = /<([\w-]+)/.exec(option.flags)?.[1];
  return name === undefined ? undefined : placeOf(name);
};

const placesOf = (command: Command) => command.registeredArguments.map((argument) => placeOf(argument.name()));

const verbsOf = (program: Command) =>
  program
    .createHelp()
    .visibleCommands(program)
    .filter((one) => one.name() !== 'help');

/** Those that say where to look are passed on. */
const WHERE = '--data|--config|--profile';

export function bash(program: Command): string {
  const verbs = verbsOf(program);
  const values = verbs.flatMap((command) =>
    command.options.flatMap((option) => {
      const place = placeAfter(option);
      return place === undefined ? [] : [`    "${command.name()} ${option.long}") place=${place} ;;`];
    }),
  );
  const places = verbs.flatMap((command) => placesOf(command).map((place, index) => `    "${command.name()} ${index}") place=${place} ;;`));
  const options = verbs.map(
    (command) => `    ${command.name()}) words="${[...command.options.flatMap(({ long }) => long ?? []), '--help'].join(' ')}" ;;`,
  );
  return `# Releases are written as REPOSITORY@TAG: one word.
COMP_WORDBREAKS=\${COMP_WORDBREAKS//@/}
_shiplock() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" verb="\${COMP_WORDS[1]}"
  local place="" words="" at=0 i where=() IFS=$' \\t\\n'
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${verbs.map((one) => one.name()).join(' ')} help" -- "$word"))
    return
  fi
  _shiplock_value "$verb $before"
  if [ -z "$place" ] && [[ "$word" == -* ]]; then
    case "$verb" in
${options.join('\n')}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    return
  fi
  for ((i = 2; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      ${WHERE}) where+=("\${COMP_WORDS[i]}" "\${COMP_WORDS[i + 1]}") ;;
    esac
    [[ "\${COMP_WORDS[i]}" == -* ]] && continue
    local kept="$place"
    place=""
    _shiplock_value "$verb \${COMP_WORDS[i - 1]}"
    [ -z "$place" ] && ((at++))
    place="$kept"
  done
  if [ -z "$place" ]; then
    case "$verb $at" in
${places.join('\n')}
    esac
  fi
  case "$place" in
    folder) COMPREPLY=($(compgen -d -- "$word")) ;;
    file) COMPREPLY=($(compgen -f -- "$word")) ;;
    shell) COMPREPLY=($(compgen -W "bash zsh fish" -- "$word")) ;;
    "" | text) ;;
    *) COMPREPLY=($(compgen -W "$("\${COMP_WORDS[0]}" complete "$place" "\${where[@]}" 2>/dev/null | cut -f 1)" -- "$word")) ;;
  esac
}
_shiplock_value() {
  case "$1" in
${values.join('\n')}
  esac
}
complete -F _shiplock shiplock`;
}

/** In a specification of \`_arguments\`, within single quotes. */
const quoted = (text: string) => text.replaceAll("'", '’').replace(/[[\]:\\]/g, (character) => `\\${character}`);

const action = (place: Place): string => {
  switch (place) {
    case 'folder':
      return '_files -/';
    case 'file':
      return '_files';
    case 'shell':
      return '(bash zsh fish)';
    case 'text':
      return ' ';
    default:
      // The space keeps zsh from handing on arguments of its own.
      return ` _shiplock_names ${place}`;
  }
};

export function zsh(program: Command): string {
  const verbs = verbsOf(program);
  const spec = (command: Command) => [
    ...command.registeredArguments.map(
      (argument, index) => `'${index + 1}${argument.required ? '' : ':'}:${quoted(argument.name())}:${action(placeOf(argument.name()))}'`,
    ),
    ...command.options.map((option) => {
      const place = placeAfter(option);
      const value = place === undefined ? '' : `:${quoted(/<([\w-]+)/.exec(option.flags)?.[1] ?? '')}:${action(place)}`;
      return `'${option.long}[${quoted(option.description)}]${value}'`;
    }),
    "'--help[examples and all options]'",
  ];
  return `#compdef shiplock
_shiplock_names() {
  local -a where names
  local i
  for ((i = 2; i < CURRENT; i++)); do
    case "$words[i]" in
      ${WHERE}) where+=("$words[i]" "$words[i+1]") ;;
    esac
  done
  local line
  for line in "\${(@f)$("$_shiplock_command" complete "$1" "\${where[@]}" 2>/dev/null)}"; do
    [[ -z "$line" ]] && continue
    local word="\${line%%$'\\t'*}" about="\${line#*$'\\t'}"
    [[ "$line" == *$'\\t'* ]] || about=""
    names+=("\${word//:/\\\\:}\${about:+:}\${about//:/\\\\:}")
  done
  _describe "$1" names
}
_shiplock() {
  local curcontext="$curcontext" _shiplock_command="$words[1]"
  local -a verbs
  verbs=(
${verbs.map((one) => `    '${one.name()}:${quoted(one.description())}'`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command verbs
    return
  fi
  local verb="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$verb" in
${verbs.map((one) => `    ${one.name()}) _arguments ${spec(one).join(' ')} ;;`).join('\n')}
  esac
}
# Found by its name on the way of functions, it is called at once; sourced, it is made known.
if [[ "$funcstack[1]" == _shiplock ]]; then
  _shiplock "$@"
else
  compdef _shiplock shiplock
fi`;
}

/** Within single quotes of fish. */
const quotedForFish = (text: string) => text.replace(/[\\']/g, (character) => `\\${character}`);

const fishAction = (place: Place): string => {
  switch (place) {
    case 'folder':
      return "-xa '(__fish_complete_directories)'";
    case 'file':
      return '-rF';
    case 'shell':
      return "-xa 'bash zsh fish'";
    case 'text':
      return '-x';
    default:
      return `-xa '(_shiplock_names ${place})'`;
  }
};

export function fish(program: Command): string {
  const verbs = verbsOf(program);
  const lines = verbs.flatMap((command) => {
    const here = `complete -c shiplock -n '__fish_seen_subcommand_from ${command.name()}'`;
    const options = command.options.map((option) => {
      const place = placeAfter(option);
      const name = (option.long ?? '').replace(/^--/, '');
      return `${here} -l ${name} ${place === undefined ? '-f' : fishAction(place)} -d '${quotedForFish(option.description)}'`;
    });
    // Words that begin with a hyphen, and what follows those that take a value, stand in no place.
    const valued = command.options.flatMap((option) => (placeAfter(option) === undefined ? [] : [option.long ?? '']));
    const places = placesOf(command).map((place, index) => {
      const condition = `_shiplock_at ${command.name()} ${index}${valued.length > 0 ? ` ${valued.join(' ')}` : ''}`;
      return `complete -c shiplock -n '${condition}' ${fishAction(place)}`;
    });
    return [...options, ...places];
  });
  return `# Asks for the names of the pipeline; the options that say where to look are passed on.
function _shiplock_names
  set -l words (commandline -opc)
  set -l where
  for i in (seq 2 (count $words))
    if contains -- $words[$i] ${WHERE.replaceAll('|', ' ')}
      set -a where $words[$i] $words[(math $i + 1)]
    end
  end
  $words[1] complete $argv[1] $where 2>/dev/null
end
# Whether the word to complete is the n-th of a command; the rest are options that take a value.
function _shiplock_at
  set -l words (commandline -opc)
  test (count $words) -ge 2; and test "$words[2]" = "$argv[1]"; or return 1
  set -l at 0
  set -l skip 0
  for word in $words[3..-1]
    if test $skip -eq 1
      set skip 0
    else if contains -- $word $argv[3..-1]
      set skip 1
    else if not string match -q -- '-*' $word
      set at (math $at + 1)
    end
  end
  test $skip -eq 0; and test $at -eq $argv[2]
end
complete -c shiplock -f
${verbs.map((one) => `complete -c shiplock -n __fish_use_subcommand -a ${one.name()} -d '${quotedForFish(one.description())}'`).join('\n')}
${lines.join('\n')}`;
}
