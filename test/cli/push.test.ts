/** `shiplock push` as a person types it, against a registry and an API behind real ports. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../local/core/clock.ts';
import type { PolicyDocument } from '../../local/core/service.ts';
import type { Site } from '../../local/core/site.ts';
import { World } from '../../local/core/world.ts';
import { openDoor } from '../../local/outer/door.ts';
import { Outside } from '../../local/outer/outside.ts';
import { Pacer } from '../../local/outer/pacer.ts';
import { startRegistry } from '../../local/registry/server.ts';
import { factories } from '../../local/services/index.ts';

const root = resolve(import.meta.dirname, '../..');
const everything: PolicyDocument = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } };
const reading: PolicyDocument = {
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' },
};

let site: Site;
let folder: string;
let program: string;
const ends: (() => unknown)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shiplock-push-'));
  ends.push(() => rmSync(folder, { recursive: true }));
  const clock = new VirtualClock(Date.parse('2026-11-23T08:00:00Z'));
  site = new World(clock, factories, 7).site('111111111111', 'eu-central-1');
  for (const [name, mutability] of [
    ['orders', 'IMMUTABLE'],
    ['program', 'MUTABLE'],
  ] as const)
    site.service('ecr').create({ name, mutability, exclusions: [], scanOnPush: false, encryption: { encryptionType: 'AES256' } });
  const pacer = new Pacer(clock, { speed: 1 });
  ends.push(() => pacer.stop());
  const outside = new Outside(site, pacer);
  const door = await openDoor(0, outside.api, outside.knows);
  ends.push(() => door.close());
  const registry = await startRegistry(site);
  ends.push(() => registry.close());
  const iam = site.service('iam');
  writeFileSync(
    join(folder, 'local.json'),
    JSON.stringify({
      endpoint: door.url,
      registry: registry.host,
      region: 'eu-central-1',
      config: join(root, 'examples/acme/shiplock.config.ts'),
      profiles: {
        'shiplock-admin': iam.user('admin', { everything }),
        reader: iam.user('reader', { reading }),
        nothing: iam.user('nothing', {}),
      },
    }),
  );
  program = join(folder, 'program');
  mkdirSync(join(program, 'public'), { recursive: true });
  writeFileSync(join(program, 'server.js'), 'listen(80)');
  writeFileSync(join(program, 'public', 'logo.png'), new Uint8Array([0x89, 0x50, 0xff, 0x00]));
  writeFileSync(join(program, 'start'), '#!/bin/sh');
  chmodSync(join(program, 'start'), 0o755);
  symlinkSync('server.js', join(program, 'index.js'));
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Beside this process, which answers it. */
function push(...words: string[]): Promise<{ status: number; out: string; err: string }> {
  const all = [join(root, 'cli/main.ts'), 'push', ...words, '--data', folder];
  return new Promise((done) => {
    execFile(process.execPath, all, { cwd: root }, (error, out, err) => {
      done({ status: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

describe('shiplock push', () => {
  it('packs a folder into an image that says who wrote what, and what runs', async () => {
    const words = ['--message', 'Faster: a=b', '--author', 'developer@example.com', '--commit', 'cf7edb2', '--label', 'team=a=b'];
    const { status, out, err } = await push(program, '--repository', 'orders', '--tag', 'git_1', '--entrypoint', './start now', ...words);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    const repository = site.service('ecr').repository('orders');
    const image = repository.find('git_1')!;
    expect(out).toContain(`111111111111.dkr.ecr.eu-central-1.amazonaws.com/orders@${image.manifest.digest}`);
    const config = JSON.parse(new TextDecoder().decode(repository.blobs.get(image.manifest.config!.digest)));
    expect(config).toMatchObject({
      os: 'linux',
      architecture: 'amd64',
      config: {
        Entrypoint: ['./start', 'now'],
        WorkingDir: '/app',
        Labels: {
          'shiplock.commit.message': 'Faster: a=b',
          'shiplock.commit.author': 'developer@example.com',
          'org.opencontainers.image.revision': 'cf7edb2',
          team: 'a=b',
        },
      },
    });
    const archive = gunzipSync(repository.blobs.get(image.manifest.layers[0]!.digest)!);
    writeFileSync(join(folder, 'layer.tar'), archive);
    const listing = await new Promise<string>((done) => {
      execFile('tar', ['-tvf', join(folder, 'layer.tar')], (_, out) => done(out));
    });
    const lines = listing
      .trim()
      .split('\n')
      .map((line) => line.replace(/^(\S+) .* (app\/.*)$/, '$1 $2'));
    expect(lines).toEqual(
      [
        'lrwxrwxrwx app/index.js -> server.js',
        'drwxr-xr-x app/public/',
        '-rw-r--r-- app/public/logo.png',
        '-rw-r--r-- app/server.js',
        '-rwxr-xr-x app/start',
      ].map((line) => (line.startsWith('l') ? expect.stringMatching(/^l\S+ app\/index\.js -> server\.js$/) : line)),
    );
  });

  it('makes the same digest of the same files, and names the repository after the folder', async () => {
    const digest = async (...words: string[]) => JSON.parse((await push(program, '--json', ...words)).out).digest as string;
    expect(await digest('--tag', 'one')).toBe(await digest('--tag', 'two'));
    writeFileSync(join(program, 'server.js'), 'listen(81)');
    expect(await digest('--tag', 'three')).not.toBe(site.service('ecr').image('program', 'one')?.digest);
  });

  it('warns of a tag that makes no release', async () => {
    const { status, err } = await push(program, '--repository', 'orders', '--tag', 'latest');
    expect([status, err]).toEqual([0, '"latest" makes no release: those of orders are tagged git_*. It is pushed all the same.\n']);
  });

  it('is refused with 3 where a tag may not move, or the caller may not push', async () => {
    await push(program, '--repository', 'orders', '--tag', 'git_1');
    writeFileSync(join(program, 'server.js'), 'listen(81)');
    const again = await push(program, '--repository', 'orders', '--tag', 'git_1');
    expect([again.status, again.err]).toEqual([
      3,
      expect.stringMatching(/^refused: .*'git_1' already exists .* the tag is immutable\.\n$/),
    ]);
    const reader = await push(program, '--repository', 'orders', '--tag', 'git_2', '--profile', 'reader');
    expect([reader.status, reader.err]).toEqual([3, expect.stringContaining('user/reader is not authorized to perform: ecr:Initiate')]);
    const nothing = await push(program, '--repository', 'orders', '--tag', 'git_2', '--profile', 'nothing');
    expect([nothing.status, nothing.err]).toEqual([3, expect.stringContaining('is not authorized to perform: ecr:GetAuthorizationToken')]);
  });

  it.each([
    [['nowhere', '--tag', 'git_1'], 'nowhere: no such folder'],
    [['.', '--repository', 'orders'], '--tag is missing'],
    [['.', '--repository', 'orders', '--tag', 'a b'], '--tag: "a b" is none'],
    [['examples', '--tag', '1'], 'examples: no such repository in 111111111111.dkr.ecr.eu-central-1.amazonaws.com'],
    [['examples', '--tag', '1', '--label', 'none'], '--label: "none" is none; write key=value'],
    [
      ['examples', '--tag', '1', '--label', 'local.aws.responses=500'],
      '--label: the label local.aws.responses is "500"; it has to be JSON',
    ],
    [['examples', '--tag', '1', '--label', 'local.aws.commands={"migrate":{"exit-code":"x"}}'], '--label: the label local.aws.exit-code'],
    [['examples', '--tag', '1', '--platform', 'linux'], '--platform: "linux" is none'],
    [['examples', '--tag', '1', '--profile', 'nobody'], '--profile: there is no "nobody"'],
  ])('says of %j what is wrong, with 2', async (words, message) => {
    const { status, out, err } = await push(...words);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toContain(message);
  });

  it('says how to begin where no local AWS runs', async () => {
    rmSync(join(folder, 'local.json'));
    const { status, err } = await push(program, '--tag', '1');
    expect([status, err]).toEqual([2, expect.stringContaining('start it with shiplock local')]);
  });
});
