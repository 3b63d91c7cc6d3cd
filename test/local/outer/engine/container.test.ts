/** What `docker create` is told. */
import { expect, it } from 'vitest';
import { createWords, environmentOf } from '../../../../local/outer/engine/container.ts';
import { build } from '../../services/ecs/lab.ts';

const place = { folder: 'here', image: 'the-image', network: 'the-network', environmentFile: '/the/file' };

async function task(container: object, more: object = {}, overrides?: object) {
  const lab = await build();
  await lab.register('', { containerDefinitions: [{ name: 'web', image: 'registry.example.com/orders:1', ...container }], ...more });
  const ecs = lab.site.service('ecs');
  const made = ecs.makeTask({
    cluster: 'acme-test',
    definition: ecs.definitions.active('orders'),
    group: 'family:orders',
    network: undefined,
    executeCommand: false,
    tags: new Map(),
    ...(overrides ? { overrides: { containerOverrides: [{ name: 'web', ...overrides }] } } : {}),
  });
  return { made, source: { container: made.containers[0]!, secrets: { TOKEN: 'secret' } } };
}

/** The words after an option, each time it stands there. */
const after = (words: readonly string[], option: string) => words.flatMap((word, index) => (word === option ? [words[index + 1]] : []));

it('a container is created as its definition says, in the network of its task', async () => {
  const { made, source } = await task(
    {
      entryPoint: ['/bin/tini', '--'],
      command: ['serve'],
      user: '1000:1000',
      workingDirectory: '/srv',
      stopTimeout: 45,
      memory: 300,
      ulimits: [{ name: 'nofile', softLimit: 1024, hardLimit: 4096 }],
      linuxParameters: { initProcessEnabled: true, capabilities: { drop: ['ALL'] }, tmpfs: [{ containerPath: '/run', size: 16 }] },
      readonlyRootFilesystem: true,
      mountPoints: [{ sourceVolume: 'work', containerPath: '/work', readOnly: true }],
    },
    { volumes: [{ name: 'work' }] },
  );
  const words = createWords(made, source, place);
  expect(words.slice(-5)).toEqual(['/bin/tini', '--', 'the-image', '--', 'serve']);
  const expected = {
    '--network': 'container:the-network',
    '--user': '1000:1000',
    '--workdir': '/srv',
    '--stop-timeout': '45',
    '--memory': '300m',
    '--ulimit': 'nofile=1024:4096',
    '--cap-drop': 'ALL',
    '--tmpfs': '/run:size=16m',
    '--volume': `ecs-${made.settings.id}-work:/work:ro`,
    '--env-file': '/the/file',
    '--platform': 'linux/amd64',
  };
  for (const [option, value] of Object.entries(expected)) expect(after(words, option)).toEqual([value]);
  expect(words).toEqual(expect.arrayContaining(['--init', '--read-only', '--no-healthcheck']));
  expect(after(words, '--label')).toContain('local-aws.folder=here');
  // Secrets and variables stand in a file: whoever lists processes does not see them.
  expect(words.join(' ')).not.toContain('secret');
});

it('what a task is run with goes before what its definition says', async () => {
  const environment = [
    { name: 'MODE', value: 'web' },
    { name: 'REGION', value: 'here' },
  ];
  const { made, source } = await task(
    { command: ['serve'], environment },
    {},
    { command: ['migrate', '--up'], environment: [{ name: 'MODE', value: 'job' }] },
  );
  expect(createWords(made, source, place).slice(-3)).toEqual(['the-image', 'migrate', '--up']);
  expect(environmentOf(made, source, 'eu-central-1')).toEqual({
    AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
    AWS_REGION: 'eu-central-1',
    AWS_DEFAULT_REGION: 'eu-central-1',
    MODE: 'job',
    REGION: 'here',
    TOKEN: 'secret',
  });
});

it('volumes that outlive a task are refused with their name', async () => {
  const { made, source } = await task({}, { volumes: [{ name: 'shared', efsVolumeConfiguration: { fileSystemId: 'fs-1' } }] });
  expect(() => createWords(made, source, place)).toThrow('volume shared');
});

it.each([
  ['a folder of this machine for a volume', { mountPoints: [{ sourceVolume: '/', containerPath: '/host' }] }, "unknown volume '/'"],
  ['a capability that Fargate does not give', { linuxParameters: { capabilities: { add: ['SYS_ADMIN'] } } }, 'SYS_ADMIN is not given'],
])('%s is refused', async (_, definition, reason) => {
  // ECS refuses it at registration; whatever came past that is refused here too.
  const { made, source } = await task({});
  Object.assign(made.containers[0]!.definition, definition);
  expect(() => createWords(made, source, place)).toThrow(reason);
});
