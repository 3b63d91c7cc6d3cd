/** Completion as bash does it at a Tab: the script is sourced, and asked for what fits. */
import { spawnSync } from 'node:child_process';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addDeploy } from '../../../cli/commands/deploy.ts';
import { addPromote } from '../../../cli/commands/promote.ts';
import { addStatus } from '../../../cli/commands/status.ts';
import { bash, fish, isInert, zsh } from '../../../cli/completion/scripts.ts';

const program = new Command('shiplock');
for (const add of [addStatus, addPromote, addDeploy]) add(program);

/** What bash offers for the last word. The command itself only echoes what it was asked. */
function offers(...words: string[]): string[] {
  const script = `${bash(program)}
shiplock() { printf '%s\\n' "$2" "orders@git_1\tGift cards" "asked:$(IFS=,; echo "$*")"; }
COMP_WORDS=(shiplock ${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length}
_shiplock
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.trim().split('\n');
}

describe('completion', () => {
  it('knows commands and their options', () => {
    expect(offers('st')).toEqual(['status']);
    expect(offers('promote', '--o')).toEqual(['--only']);
    expect(offers('status', '--w')).toEqual(['--watch']);
  });

  it('asks for the names that stand in a place, in the folder that was given', () => {
    expect(offers('deploy', '')).toContain('services');
    expect(offers('deploy', '--data', 'there', 'orders-web', 'git_1', '')).toContain('environments');
    expect(offers('promote', '--data', 'there', 'orders@')).toEqual(['orders@git_1']);
    expect(offers('promote', 'orders@git_1', '--to', 'as')).toEqual(['asked:complete,environments']);
    expect(offers('promote', '--data', 'there', '--to', 'as')).toEqual(['asked:complete,environments,--data,there']);
  });

  it('offers no word that a shell would run or expand', () => {
    for (const word of ['orders@git_1', 'live+sandbox/orders/1c05d182eb2e/1', 'release-manager@example.com'])
      expect(isInert(word)).toBe(true);
    for (const word of ['$(id)', '`id`', '$HOME', 'a b', '*', 'a;b', "a'b", '\u001b[31m', '']) expect(isInert(word)).toBe(false);
  });

  it.skipIf(spawnSync('zsh', ['--version']).error !== undefined)('is a script that zsh understands', () => {
    const { status, stderr } = spawnSync('zsh', ['-f', '-c', `compdef() { :; }\n${zsh(program)}\n(( $+functions[_shiplock] ))`], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  describe.skipIf(spawnSync('fish', ['--version']).error !== undefined)('in fish', () => {
    /** What fish offers at the end of a line. */
    const offered = (line: string): string[] => {
      const script = `${fish(program)}\nfunction shiplock; printf '%s\\n' $argv[2] 'orders@git_1\tGift cards' asked:(string join , -- $argv); end\ncomplete -C '${line}'`;
      const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', script], { encoding: 'utf8' });
      expect(stderr).toBe('');
      return stdout.split('\n').flatMap((one) => one.split('\t')[0] || []);
    };

    it('knows commands and their options', () => {
      expect(offered('shiplock st')).toEqual(['status']);
      expect(offered('shiplock promote --o')).toEqual(['--only']);
    });

    it('asks for the names that stand in a place, in the folder that was given', () => {
      expect(offered('shiplock deploy ')).toContain('services');
      expect(offered('shiplock deploy --data there orders-web git_1 ')).toContain('environments');
      expect(offered('shiplock promote --data there orders@')).toEqual(['orders@git_1']);
      expect(offered('shiplock promote orders@git_1 --to as')).toEqual(['asked:complete,environments']);
      expect(offered('shiplock promote --data there --to as')).toEqual(['asked:complete,environments,--data,there']);
    });
  });
});
