/** `shiplock local` as a person meets it: what it says, refuses and leaves behind. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'shiplock-local-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const words = (...more: string[]) => [join(root, 'cli/main.ts'), 'local', ...more];
// An address at which no container engine is, whatever this machine has.
const env = { ...process.env, DOCKER_HOST: `unix://${join(folder, 'nobody.sock')}` };
const run = (...more: string[]) => spawnSync(process.execPath, words(...more), { cwd: root, encoding: 'utf8', env });

describe('shiplock local', () => {
  it('runs until it is interrupted, tells others where it is, and leaves nothing but its folder', async () => {
    const data = join(folder, 'data');
    const profiles = join(folder, 'profiles.ini');
    const [home, temporary] = ['home', 'temporary'].map((name) => {
      mkdirSync(join(folder, name));
      return join(folder, name);
    }) as [string, string];
    const child = spawn(process.execPath, words('examples/acme', '--data', data, '--write-profiles', profiles), {
      cwd: root,
      env: { ...process.env, HOME: home, TMPDIR: temporary },
    });
    const exit = new Promise<number | null>((ended) => child.once('exit', ended));
    let out = '';
    try {
      await new Promise<void>((ready) => {
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          out += text;
          if (out.includes('stays up until Ctrl-C')) ready();
        });
        void exit.then(() => ready());
      });
      const file = join(data, 'local.json');
      const found = JSON.parse(readFileSync(file, 'utf8')) as {
        endpoint: string;
        pid: number;
        loadBalancers: Record<string, string>;
        time: object;
      };
      expect(statSync(file).mode & 0o077).toBe(0);
      expect(statSync(profiles).mode & 0o077).toBe(0);
      expect(found.pid).toBe(child.pid);
      expect(found.time).toEqual({ machine: expect.any(Number), pipeline: expect.any(Number), speed: 1 });
      expect(Object.keys(found.loadBalancers)).toEqual(['test', 'beta', 'staging', 'live', 'sandbox']);
      expect((await fetch(found.endpoint)).status).toBe(200);
      // The same by the code that speaks to an account: SDKs read the profiles, and nobody says that this is local.
      const account = (...more: string[]) =>
        spawnSync(process.execPath, [join(root, 'cli/main.ts'), ...more, '--config', 'examples/acme'], {
          cwd: root,
          encoding: 'utf8',
          // Whoever asks from elsewhere reads the pipeline's times, as its chats do.
          env: { ...process.env, AWS_CONFIG_FILE: profiles, TZ: 'Asia/Tokyo' },
        });
      const frozen = account('freeze', 'beta', '--until', '2099-01-01T12:00:00Z', '--reason', 'audit', '--profile', 'acme-release-manager');
      expect([frozen.status, frozen.stdout]).toEqual([0, expect.stringContaining('beta frozen until Thu 1 Jan 13:00')]);
      expect(account('status', '--profile', 'acme-developer').stdout).toContain('audit');
      const stranger = account('thaw', 'beta', '--profile', 'shiplock-admin');
      expect([stranger.status, stranger.stderr]).toEqual([3, expect.stringContaining('nobody of this pipeline')]);
      const second = run('examples/acme', '--data', data);
      expect([second.status, second.stderr]).toEqual([2, expect.stringContaining('shiplock local runs there already, at http')]);
    } finally {
      child.kill('SIGINT');
    }
    expect(await exit).toBe(0);
    expect(out).toContain('goes on from here');
    expect(existsSync(join(data, 'local.json'))).toBe(false);
    expect(readdirSync(data).sort()).toEqual(['assemblies', 'bodies', 'inputs.jsonl', 'snapshots', 'state.json', 'world.json']);
    expect([...readdirSync(home), ...readdirSync(temporary)]).toEqual([]);
  }, 60_000);

  it.each([
    [['--run', 'docker'], '--run docker: no engine to run containers'],
    [['--run', 'docker', '--speed', '60'], 'containers live in real time'],
    [['--run', 'podman'], '--run: unknown value "podman"'],
    [['--speed', '0'], 'A number from 0.1 to 10000'],
    [['--start', 'soon'], 'A time is needed'],
  ])('refuses %s with exit code 2', (options, text) => {
    const { status, stderr } = run(...options);
    expect([status, stderr]).toEqual([2, expect.stringContaining(text)]);
  });

  it('does not overwrite somebody’s own AWS configuration', () => {
    const own = join(folder, 'config');
    writeFileSync(own, '[default]\nregion = eu-west-1\n');
    mkdirSync(join(folder, 'other'));
    const { status, stderr } = run('examples/acme', '--data', join(folder, 'other'), '--write-profiles', own);
    expect([status, stderr]).toEqual([2, expect.stringContaining('shiplock has not written')]);
    expect(readFileSync(own, 'utf8')).toBe('[default]\nregion = eu-west-1\n');
  }, 60_000);
});
