/** The container engine of this machine, if there is one, and an image with a program in it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { Docker, findEngine } from '../../../../local/outer/engine/docker.ts';
import type { Push } from '../../../../local/registry/push.ts';

const BUSYBOX = '/usr/bin/busybox';
const hasProgram =
  existsSync(BUSYBOX) && /statically linked|not a dynamic executable/.test(spawnSync('ldd', [BUSYBOX], { encoding: 'utf8' }).stderr);

/** The engine that `docker` reaches; undefined where none does. For `describe.skipIf`, with the reason as the end of its name. */
export const [engine, reason] = await (hasProgram ? findEngine() : Promise.reject(new Error(`${BUSYBOX} is no static program`))).then(
  (found) => [{ ...found, docker: new Docker() }, ''] as const,
  (error: Error) => [undefined, ` (skipped: ${error.message})`] as const,
);

/** An image of busybox, whose commands are `httpd …` and `sh -c …`, in a folder with a page. */
export const busybox = (): Pick<Push, 'files' | 'run' | 'labels' | 'created'> => ({
  labels: {},
  created: new Date(0),
  files: {
    'bin/busybox': { kind: 'file', content: readFileSync(BUSYBOX), executable: true },
    'bin/sh': { kind: 'link', target: 'busybox' },
    'www/orders/health': 'fine',
  },
  run: { entrypoint: ['/bin/busybox'], folder: '/www' },
});

/** Names of the containers in the engine that belong to a local AWS. */
export const containersOf = (owner: string): string[] =>
  execFileSync('docker', ['ps', '--all', '--format', '{{.Names}}', '--filter', `label=local-aws.folder=${owner}`], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line !== '');
