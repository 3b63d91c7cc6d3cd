/** The command as a person or a script meets it: words, exit codes, JSON. The built one, on a state that a short rehearsal left. */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, cpSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
let folder: string;

function shiplock(...words: string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'dist/shiplock.js'), ...words], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, out: stdout, err: stderr };
}

/** That of util-linux gives a command a terminal. */
const canPlayTerminal = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '');

/** What a terminal shows while somebody types a key once they are asked. */
async function typed(words: readonly string[], key = ''): Promise<string> {
  const command = `stty rows 24 cols 100; ${[process.execPath, join(root, 'dist/shiplock.js'), ...words].map((word) => `'${word}'`).join(' ')}`;
  const terminal = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: root,
    env: { ...process.env, TERM: 'xterm', NO_COLOR: '1' },
  });
  let shown = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    const before = shown.includes('Escape leaves');
    shown += text;
    if (!before && shown.includes('Escape leaves')) terminal.stdin.write(key);
  });
  const code = await new Promise((ended) => terminal.once('close', ended));
  expect(code, shown).toBe(0);
  return shown;
}

const script = (expected: string) => `
import { defineRehearsal } from '${root}/rehearsal/script.ts';
export default defineRehearsal({
  monday: '2026-11-23',
  timeZone: 'Europe/Berlin',
  steps: [
    { at: 'Mon 08:30', push: { repository: 'gateway', tag: '1.0.0', message: 'A first\\u001b[31m change', author: 'developer@example.com' }, as: 'one' },
    { at: 'Mon 09:00', expect: { environment: 'test', runs: { gateway: '${expected}' } } },
  ],
  ends: 'Mon 09:10',
});`;

beforeAll(() => {
  expect(spawnSync(process.execPath, [join(root, 'scripts/build.ts')]).status).toBe(0);
  folder = mkdtempSync(join(tmpdir(), 'shiplock-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('rehearse', () => {
  it('ends with 0 when all that the script expects has happened, and leaves its state', () => {
    writeFileSync(join(folder, 'good.ts'), script('1.0.0'));
    const { status, out } = shiplock(
      'rehearse',
      '--config',
      'examples/acme',
      '--script',
      join(folder, 'good.ts'),
      '--data',
      join(folder, 'data'),
    );
    expect(out).toContain('All 1 expectations met');
    expect(status).toBe(0);
  });

  it('ends with 1 when something did not happen, and says what came instead', () => {
    writeFileSync(join(folder, 'bad.ts'), script('2.0.0'));
    const { status, out } = shiplock(
      'rehearse',
      '--config',
      'examples/acme',
      '--script',
      join(folder, 'bad.ts'),
      '--data',
      join(folder, 'other'),
    );
    expect(out).toContain('test runs gateway 2.0.0, but: 1.0.0');
    expect(status).toBe(1);
  });

  it('refuses a script that is not there or names no time', () => {
    expect(shiplock('rehearse', '--config', 'examples/acme', '--script', 'nowhere.ts')).toMatchObject({
      status: 2,
      err: expect.stringContaining('nowhere.ts: there is no such script'),
    });
    writeFileSync(join(folder, 'wrong.ts'), script('1.0.0').replace('Mon 08:30', 'Monday 8:30'));
    const { status, err } = shiplock(
      'rehearse',
      '--config',
      'examples/acme',
      '--script',
      join(folder, 'wrong.ts'),
      '--data',
      join(folder, 'other'),
    );
    expect(err).toContain('"Monday 8:30": not a time of the week such as "Mon 09:30"');
    expect(status).toBe(2);
  });
});

describe('the reading commands', () => {
  const data = () => ['--data', join(folder, 'data')];

  it('show what the rehearsal left', () => {
    expect(shiplock('status', ...data()).out).toMatch(/gateway\s+1\.0\.0/);
    expect(shiplock('status', ...data()).out).toContain('approval for beta by integration-lead@example.com');
    expect(shiplock('releases', ...data()).out).toMatch(/gateway\s+1\.0\.0.*in-progress/);
    expect(shiplock('history', 'test', ...data()).out).toMatch(/gateway 1\.0\.0\s+succeeded/);
    expect(shiplock('journal', ...data()).out).toContain('gateway 1.0.0: runs in test, checks passed');
  });

  it.skipIf(!canPlayTerminal)(
    'let one choose a verified release on a terminal, and list them elsewhere or when asked',
    async () => {
      const words = ['releases', '--verified', '--limit', '100', ...data()];
      const chosen = await typed(words, '\r');
      expect(chosen).toContain('which release? (1)');
      expect(chosen).toMatch(/Next commands\s+shiplock approve gateway@1\.0\.0 --data/);
      const left = await typed(words, '\u001b');
      expect(left).toMatch(/which release[\s\S]*release\s+pushed\s+author/);
      expect(left).not.toContain('Next commands');
      expect(await typed([...words, '--list'])).not.toContain('which release?');
      expect(shiplock(...words).out).toMatch(/^\s+release .*\n1\s+gateway 1\.0\.0.*test/);
      expect(shiplock(...words, '--list', '--pick')).toMatchObject({ status: 2, err: expect.stringContaining("'--list'") });
    },
    30_000,
  );

  it('speak JSON', () => {
    for (const words of [['status'], ['releases'], ['history'], ['journal']])
      expect(() => JSON.parse(shiplock(...words, ...data(), '--json').out)).not.toThrow();
    expect(JSON.parse(shiplock('releases', ...data(), '--json').out)).toMatchObject([
      { repository: 'gateway', tag: '1.0.0', state: 'in-progress' },
    ]);
  });

  it('show what strangers write, and do not let it steer the terminal', () => {
    const { out } = shiplock('journal', ...data());
    expect(out).toContain('A first');
    expect(out).not.toContain('\u001b');
  });

  it('say so where nothing was rehearsed', () =>
    expect(shiplock('status', '--data', join(folder, 'empty'))).toMatchObject({
      status: 2,
      err: expect.stringContaining('nothing was rehearsed here'),
    }));
});

describe('check and plan', () => {
  it('accept the example', () =>
    expect(shiplock('check', 'examples/acme')).toMatchObject({
      status: 0,
      out: expect.stringContaining('3 repositories, 4 services, 5 environments'),
    }));

  it('say what is wrong, where, and end with 2', () => {
    const copy = join(folder, 'examples/acme');
    cpSync(join(root, 'examples/acme'), copy, { recursive: true });
    const file = join(copy, 'shiplock.config.ts');
    const config = readFileSync(file, 'utf8')
      .replace("'../../domain/configuration/configuration.ts'", `'${root}/domain/configuration/configuration.ts'`)
      .replaceAll('../../buildspecs', `${root}/buildspecs`);
    writeFileSync(file, config.replace("strategy: { kind: 'rolling', earlySuccess: false }", "stategy: 'rolling'"));
    expect(shiplock('check', copy)).toMatchObject({ status: 2, err: 'environments.test.stategy: unknown key, did you mean "strategy"?\n' });
  });

  it('print the requests as JSON', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const requests = JSON.parse(shiplock('plan', 'orders', 'git_1', 'test', '--digest', digest, '--json').out) as {
      call: string;
      input: { family?: string };
    }[];
    expect(requests.map(({ call }) => call)).toEqual([
      'ecs:RegisterTaskDefinition',
      'ecs:UpdateService',
      'ecs:RegisterTaskDefinition',
      'ecs:UpdateService',
    ]);
    expect(JSON.stringify(requests)).toContain(`orders@${digest}`);
  });

  it('show the requests in a few lines, the digest that nobody asked for marked as such, and whole if asked', () => {
    const short = shiplock('plan', 'orders', 'git_1', 'test').out;
    expect(short).toContain('orders@<digest of git_1>');
    expect(short.split('\n').length).toBeLessThan(20);
    const full = shiplock('plan', 'orders', 'git_1', 'test', '--full').out;
    expect(full).toContain('"image": "111111111111.dkr.ecr.eu-central-1.amazonaws.com/orders@<digest of git_1>"');
  });

  it('say all that a promotion would be refused for, with the line of the template', () => {
    const copy = join(folder, 'examples/wrong');
    cpSync(join(root, 'examples/acme'), copy, { recursive: true });
    const file = join(copy, 'shiplock.config.ts');
    writeFileSync(
      file,
      readFileSync(file, 'utf8')
        .replace("'../../domain/configuration/configuration.ts'", `'${root}/domain/configuration/configuration.ts'`)
        .replaceAll('../../buildspecs', `${root}/buildspecs`),
    );
    const template = join(copy, 'ecs/gateway.json');
    writeFileSync(template, readFileSync(template, 'utf8').replace('"512"', '4096').replace('"essential"', '"esential"'));
    const { status, err } = shiplock('check', copy);
    expect(status).toBe(2);
    const said = err.replaceAll(/\s+/g, ' ');
    expect(said).toContain(
      'services.gateway.taskDefinition.memory: a text is needed here, and this is the number 4096; write "4096" (ecs/gateway.json:3; in all environments)',
    );
    expect(said).toContain('containerDefinitions[0].esential: ECS knows no such member, did you mean "essential"?');
  });

  it('refuse names that are not there', () => {
    expect(shiplock('plan', 'order', 'git_1', 'test')).toMatchObject({
      status: 2,
      err: expect.stringContaining('no repository order; there are orders, catalog, gateway'),
    });
    expect(shiplock('plan', 'orders', 'git_1', 'prod')).toMatchObject({ status: 2, err: expect.stringContaining('no environment prod') });
    expect(shiplock('plan', 'deploy', 'orders-web', 'git_1')).toMatchObject({
      status: 2,
      err: expect.stringContaining('plan deploy SERVICE TAG ENVIRONMENT'),
    });
    expect(shiplock('chek')).toMatchObject({ status: 2, err: expect.stringContaining('Did you mean check?') });
    expect(shiplock('releases', '--limit', 'many')).toMatchObject({ status: 2, err: expect.stringContaining('A whole number is needed') });
  });

  it('show the overview that the build wrote down, which is the one that the program itself shows', () => {
    const { status, out } = shiplock('--help');
    expect({ status, out }).toEqual({ status: 0, out: shiplock('help').out });
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  // A chunk of its own would have a default export alone, and `{ writeFileSync }` of it be nothing.
  it('take what they need of Node from Node itself', () =>
    expect(readdirSync(join(root, 'dist')).filter((file) => builtinModules.includes(file.replace(/-\w+\.js$/, '')))).toEqual([]));

  it('say of a word that is no command that it is none, also after `help`', () => {
    expect(shiplock('help', 'nothing')).toEqual({ status: 2, out: '', err: expect.stringContaining("unknown command 'nothing'") });
    expect(shiplock('help', 'stats')).toMatchObject({ status: 2, err: expect.stringContaining('Did you mean status?') });
    expect(shiplock('help', 'status')).toEqual(shiplock('status', '--help'));
  });

  it('say in a line that a disk is full', () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'dist/shiplock.js'), 'push', '--help'], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^what was to be shown could not be written: .*\n$/) });
  });

  it('have help with an example for every verb', () => {
    for (const verb of readdirSync(join(root, 'cli/commands'))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => file.replace('.ts', '')))
      expect(shiplock(verb, '--help')).toMatchObject({ status: 0, out: expect.stringContaining('Example:') });
    expect(shiplock('completion', '--help').out).toContain('  $ source <(shiplock completion zsh)');
  });
});
