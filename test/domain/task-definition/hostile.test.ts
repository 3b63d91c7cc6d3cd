/** Task definitions that try to escape their bounds: each is refused by its place, and is no danger where the environment allows its kind. */
import { describe, expect, it } from 'vitest';
import type { DangerousField } from '../../../domain/pipeline/pipeline.ts';
import { refuseDangers } from '../../../domain/task-definition/dangers.ts';
import { renderingOf, renderTaskDefinition } from '../../../domain/task-definition/rendering.ts';
import { RenderError } from '../../../domain/workflow/errors.ts';
import { foundation, parts } from '../parts.ts';

const ACCOUNT = '111111111111';
const secret = (name: string, account = ACCOUNT) => `arn:aws:secretsmanager:eu-central-1:${account}:secret:${name}`;
const parameter = (name: string, account = ACCOUNT) => `arn:aws:ssm:eu-central-1:${account}:parameter/${name}`;
const secrets = (valueFrom: string) => ({ container: { secrets: [{ name: 'DATABASE', valueFrom }] } });
const variable = (name: string, value: string) => ({ container: { environment: [{ name, value }] } });

interface Part {
  /** Of the task definition. */
  readonly task?: object;
  /** Of its container. */
  readonly container?: object;
}

const template = ({ task, container }: Part) => ({ containerDefinitions: [{ name: 'gateway', ...container }], ...task });
const render = (part: Part, allow: readonly DangerousField[] = []) => renderTaskDefinition(parts({ template: template(part), allow }));

/** What the bounds say of it, whatever Fargate says: `field place`, but for what is allowed. */
function dangers(part: Part, allow: readonly DangerousField[] = []): string[] {
  const given = parts({ template: template(part) });
  const { request } = renderingOf(given);
  const bounds = { environment: given.environment, environments: Object.keys(given.pipeline.environments), account: ACCOUNT, foundation };
  const found: string[] = [];
  refuseDangers(
    request,
    request,
    bounds,
    (field, place) => void (field && allow.includes(field) ? undefined : found.push(`${field} ${place}`)),
  );
  return found;
}

const HOSTILE: readonly [string, DangerousField, string, Part][] = [
  ['runs privileged', 'privileged', 'containerDefinitions[0].privileged', { container: { privileged: true } }],
  [
    'runs privileged by a text that AWS may read as true',
    'privileged',
    'containerDefinitions[0].privileged',
    { container: { privileged: 'true' } },
  ],
  ['runs privileged by a number', 'privileged', 'containerDefinitions[0].privileged', { container: { privileged: 1 } }],
  ['adds all capabilities', 'privileged', 'capabilities', { container: { linuxParameters: { capabilities: { add: ['ALL'] } } } }],
  [
    'hides a capability behind a harmless one',
    'privileged',
    'capabilities',
    { container: { linuxParameters: { capabilities: { add: ['SYS_PTRACE', 'SYS_ADMIN'] } } } },
  ],
  ['maps a device', 'privileged', 'devices', { container: { linuxParameters: { devices: [{ hostPath: '/dev/sda' }] } } }],
  ['runs without seccomp', 'privileged', 'dockerSecurityOptions', { container: { dockerSecurityOptions: ['seccomp=unconfined'] } }],
  ['runs without AppArmor', 'privileged', 'dockerSecurityOptions', { container: { dockerSecurityOptions: ['apparmor:unconfined'] } }],
  ['runs without SELinux', 'privileged', 'dockerSecurityOptions', { container: { dockerSecurityOptions: ['label:disable'] } }],
  ['sees the host’s processes', 'privileged', 'pidMode', { task: { pidMode: 'host' } }],
  ['sees the host’s memory', 'privileged', 'ipcMode', { task: { ipcMode: 'host' } }],
  ['uses the host’s network', 'host-network', 'networkMode', { task: { networkMode: 'host' } }],
  ['uses the host’s network in capitals', 'host-network', 'networkMode', { task: { networkMode: 'HOST' } }],
  ['mounts the host’s root', 'host-volumes', 'volumes[0]', { task: { volumes: [{ name: 'root', host: { sourcePath: '/' } }] } }],
  [
    'mounts the Docker socket as the second volume',
    'host-volumes',
    'volumes[1]',
    {
      task: {
        volumes: [
          { name: 'tmp', host: {} },
          { name: 'docker', host: { sourcePath: '/var/run/docker.sock' } },
        ],
      },
    },
  ],
  [
    'mounts the host through a Docker volume’s options',
    'host-volumes',
    'volumes[0]',
    {
      task: {
        volumes: [{ name: 'x', dockerVolumeConfiguration: { driver: 'local', driverOpts: { type: 'none', device: '/', o: 'bind' } } }],
      },
    },
  ],
  [
    'shares a Docker volume with other tasks',
    'host-volumes',
    'volumes[0]',
    { task: { volumes: [{ name: 'x', dockerVolumeConfiguration: { scope: 'shared', autoprovision: true } }] } },
  ],
  ['takes an administrator’s role', 'foreign-roles', 'taskRoleArn', { task: { taskRoleArn: `arn:aws:iam::${ACCOUNT}:role/admin` } }],
  ['takes the role of live', 'foreign-roles', 'taskRoleArn', { task: { taskRoleArn: `arn:aws:iam::${ACCOUNT}:role/acme-live-task` } }],
  ['is started by a foreign role', 'foreign-roles', 'executionRoleArn', { task: { executionRoleArn: 'arn:aws:iam::999999999999:role/x' } }],
  ['reads a secret of live', 'foreign-secrets', 'secrets.DATABASE', secrets(secret('acme/live/database-AbCdEf'))],
  ['reads a secret of nobody', 'foreign-secrets', 'secrets.DATABASE', secrets(secret('database-AbCdEf'))],
  ['reads live’s secret of the name of test', 'foreign-secrets', 'secrets.DATABASE', secrets(secret('acme/live/test-AbCdEf'))],
  [
    'reads live’s secret, its JSON key called test',
    'foreign-secrets',
    'secrets.DATABASE',
    secrets(`${secret('acme/live/database-AbCdEf')}:test::`),
  ],
  [
    'reads a secret of another account',
    'foreign-secrets',
    'secrets.DATABASE',
    secrets(secret('acme/test/database-AbCdEf', '999999999999')),
  ],
  ['reads a parameter of another account', 'foreign-secrets', 'secrets.DATABASE', secrets(parameter('acme/test/x', '999999999999'))],
  ['reads a parameter of staging by its name', 'foreign-secrets', 'secrets.DATABASE', secrets('/acme/staging/database')],
  [
    'reads a secret through its log driver',
    'foreign-secrets',
    'logConfiguration.secretOptions.splunk-token',
    { container: { logConfiguration: { logDriver: 'splunk', secretOptions: [{ name: 'splunk-token', valueFrom: '/acme/live/splunk' }] } } },
  ],
  [
    'pulls with another environment’s credentials',
    'foreign-secrets',
    'repositoryCredentials',
    { container: { repositoryCredentials: { credentialsParameter: secret('acme/live/hub') } } },
  ],
  [
    'mounts a Windows share with the credentials of live',
    'foreign-secrets',
    'volumes[0]',
    {
      task: {
        volumes: [
          {
            name: 'x',
            fsxWindowsFileServerVolumeConfiguration: { authorizationConfig: { credentialsParameter: secret('acme/live/fsx') } },
          },
        ],
      },
    },
  ],
  [
    'joins a domain with the credentials of live',
    'foreign-secrets',
    'credentialSpecs[0]',
    { container: { credentialSpecs: [`credentialspecdomainless:${parameter('acme/live/gmsa')}`] } },
  ],
  [
    'reads its variables from a file of live',
    'foreign-secrets',
    'environmentFiles[0]',
    { container: { environmentFiles: [{ type: 's3', value: 'arn:aws:s3:::acme-settings/live/app.env' }] } },
  ],
  ['carries a password', 'plaintext-secrets', 'environment.DATABASE_PASSWORD', variable('DATABASE_PASSWORD', 'hunter2')],
  ['carries PostgreSQL’s password', 'plaintext-secrets', 'environment.PGPASSWORD', variable('PGPASSWORD', 'hunter2')],
  ['carries a token in camel case', 'plaintext-secrets', 'environment.authToken', variable('authToken', 'hunter2')],
  [
    'carries an access key under a harmless name',
    'plaintext-secrets',
    'environment.GREETING',
    variable('GREETING', 'AKIAIOSFODNN7EXAMPLE'),
  ],
  [
    'carries a random text under a harmless name',
    'plaintext-secrets',
    'environment.GREETING',
    variable('GREETING', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'),
  ],
  [
    'carries a password in an address',
    'plaintext-secrets',
    'environment.URL',
    variable('URL', 'postgres://app:hunter2@db.example.com/app'),
  ],
  ['carries a password in its command', 'plaintext-secrets', 'command[1]', { container: { command: ['serve', '--password=hunter2'] } }],
  [
    'carries a password after its option',
    'plaintext-secrets',
    'command[2]',
    { container: { command: ['serve', '--password', 'hunter2'] } },
  ],
  [
    'carries a token in a shell’s line',
    'plaintext-secrets',
    'command[1]',
    { container: { command: ['-c', 'export TOKEN=hunter2; serve'] } },
  ],
  [
    'carries a token in its entry point',
    'plaintext-secrets',
    'entryPoint[1]',
    { container: { entryPoint: ['serve', '-Dauth.token=hunter2'] } },
  ],
  [
    'carries a token in its health check',
    'plaintext-secrets',
    'healthCheck.command[1]',
    { container: { healthCheck: { command: ['CMD-SHELL', 'curl -H "Authorization: Bearer hunter2hunter2" localhost'] } } },
  ],
  ['carries a key in a label', 'plaintext-secrets', 'dockerLabels.apiKey', { container: { dockerLabels: { apiKey: 'hunter2' } } }],
  [
    'carries a password in a connection string',
    'plaintext-secrets',
    'environment.DATABASE',
    variable('DATABASE', 'Server=db;User Id=app;Password=hunter2;'),
  ],
  ['carries a password in JSON', 'plaintext-secrets', 'environment.SETTINGS', variable('SETTINGS', '{"db":{"password":"hunter2"}}')],
  [
    'carries a token in its log options',
    'plaintext-secrets',
    'logConfiguration.options.splunk-token',
    { container: { logConfiguration: { logDriver: 'splunk', options: { 'splunk-token': 'hunter2' } } } },
  ],
];

describe('a hostile task definition', () => {
  it('has at least thirty faces here', () => expect(HOSTILE.length).toBeGreaterThanOrEqual(30));

  for (const [what, field, place, part] of HOSTILE)
    it(`that ${what} is refused, unless the environment allows ${field}`, () => {
      expect(() => render(part)).toThrow(RenderError);
      expect(dangers(part)).toEqual([expect.stringContaining(`${field} `)]);
      expect(dangers(part)[0]).toContain(place);
      expect(dangers(part, [field])).toEqual([]);
      // Only its own kind opens the door.
      const others = (
        ['privileged', 'host-network', 'host-volumes', 'foreign-roles', 'foreign-secrets', 'plaintext-secrets'] as const
      ).filter((one) => one !== field);
      expect(dangers(part, others)).toEqual(dangers(part));
      expect(() => render(part, others)).toThrow(RenderError);
    });

  it('is told where it stands, and what the environment would have to allow', () =>
    expect(() => render(secrets(secret('acme/live/database')))).toThrow(
      new RenderError([
        {
          place: 'services.gateway.taskDefinition.containerDefinitions[0].secrets.DATABASE',
          message: `${secret('acme/live/database')} is a secret of another environment: it carries the name of live; environments.test.allow must name "foreign-secrets" for this`,
        },
      ]),
    ));

  it('passes where the environment allows it and Fargate runs it', () => {
    expect(() => render(secrets(secret('acme/live/database')), ['foreign-secrets'])).not.toThrow();
    expect(() => render(variable('DATABASE_PASSWORD', 'hunter2'), ['plaintext-secrets'])).not.toThrow();
    expect(() => render({ task: { taskRoleArn: `arn:aws:iam::${ACCOUNT}:role/admin` } }, ['foreign-roles'])).not.toThrow();
  });

  it('is refused all at once, where it has several faces', () => {
    const both = { container: { ...variable('DATABASE_PASSWORD', 'hunter2').container, ...secrets(secret('acme/live/x')).container } };
    expect(dangers(both)).toHaveLength(2);
    expect(renderingOf(parts({ template: template(both) })).dangers.map(({ field }) => field)).toEqual([
      'foreign-secrets',
      'plaintext-secrets',
    ]);
  });

  it('cannot reach another environment’s secret by the tag of a release', () => {
    const given = parts({ template: template(secrets('/acme/test/%BUILD_VERSION%')) });
    const gateway = { ...given.releases.gateway!, tag: 'live' };
    expect(() => renderTaskDefinition({ ...given, releases: { gateway } })).toThrow('it carries the name of live');
  });

  it('is not one because of the tag of a release: what check passes, a promotion does not refuse', () => {
    const given = parts({ template: template(variable('RELEASE', '%BUILD_VERSION%')) });
    const gateway = { ...given.releases.gateway!, tag: 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY' };
    expect(() => renderTaskDefinition({ ...given, releases: { gateway } })).not.toThrow();
  });

  it('never tells the secret that it was refused for', () => {
    expect(() => render(variable('DATABASE_PASSWORD', 'hunter2'))).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
    );
    expect(() => render({ container: { command: ['--password=hunter2'] } })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
    );
  });

  const malformed: [string, string, Part][] = [
    ['volumes', 'volumes', { task: { volumes: { host: { sourcePath: '/' } } } }],
    ['added capabilities', 'capabilities', { container: { linuxParameters: { capabilities: { add: 'SYS_ADMIN' } } } }],
    ['secrets', 'secrets', { container: { secrets: { name: 'X', valueFrom: '/acme/live/x' } } }],
    ['variables', 'environment', { container: { environment: { DATABASE_PASSWORD: 'hunter2' } } }],
    ['tags', 'tags', { task: { tags: { a: 'b' } } }],
    ['ports', 'portMappings', { container: { portMappings: 8000 } }],
  ];
  for (const [what, place, part] of malformed)
    it(`whose ${what} are no list is refused by its place, not by an accident`, () => {
      expect(() => render(part)).toThrow(RenderError);
      expect(() => render(part)).toThrow(place);
    });
});

const HARMLESS: readonly [string, Part][] = [
  ['drops capabilities', { container: { linuxParameters: { capabilities: { drop: ['ALL'] } } } }],
  ['says that it is not privileged', { container: { privileged: false } }],
  ['can be traced', { container: { linuxParameters: { capabilities: { add: ['SYS_PTRACE'] } } } }],
  ['takes no new privileges', { container: { dockerSecurityOptions: ['no-new-privileges'] } }],
  ['shares processes between its own containers', { task: { pidMode: 'task' } }],
  ['has a scratch volume', { task: { volumes: [{ name: 'scratch' }, { name: 'other', host: {} }] } }],
  ['has a Docker volume of its own', { task: { volumes: [{ name: 'x', dockerVolumeConfiguration: { scope: 'task', driver: 'local' } }] } }],
  ['mounts a file system', { task: { volumes: [{ name: 'x', efsVolumeConfiguration: { fileSystemId: 'fs-1' } }] } }],
  ['names its own role', { task: { taskRoleArn: 'arn:aws:iam::111111111111:role/acme-test-task' } }],
  ['reads its secret', secrets(secret('acme/test/database-AbCdEf'))],
  ['reads its secret’s JSON key', secrets(`${secret('acme/test/database-AbCdEf')}:password::`)],
  ['reads a secret with the environment last', secrets(secret('acme/database/test-AbCdEf'))],
  ['reads its parameter', secrets('/acme/test/database')],
  ['reads its parameter by ARN', secrets(parameter('acme/test/database'))],
  ['reads its file of variables', { container: { environmentFiles: [{ type: 's3', value: 'arn:aws:s3:::acme-settings/test/app.env' }] } }],
  ['names where a secret is', variable('DATABASE_PASSWORD_ARN', 'arn:aws:x')],
  ['names the file of a secret', variable('PGPASSFILE', '/run/secrets/pgpass')],
  ['switches a token on', variable('USE_TOKEN', 'true')],
  ['says how long tokens live', variable('TOKEN_TTL', '300')],
  ['carries a digest', variable('COMMIT', 'cf7edb2a4d1a5cf7edb2a4d1a5cf7edb2a4d1a51')],
  ['carries an address', variable('ORDERS_URL', 'https://orders.example.com/v1?x=1')],
  [
    'mounts a Windows share with its credentials',
    {
      task: {
        volumes: [
          {
            name: 'x',
            fsxWindowsFileServerVolumeConfiguration: { authorizationConfig: { credentialsParameter: secret('acme/test/fsx') } },
          },
        ],
      },
    },
  ],
  ['checks its health', { container: { healthCheck: { command: ['CMD-SHELL', 'curl -f http://localhost:8000/health || exit 1'] } } }],
  ['takes a token from a file in a shell’s line', { container: { command: ['-c', 'TOKEN=$(cat /run/secrets/token) exec serve'] } }],
  ['speaks of a compass', variable('COMPASS', 'north')],
  ['speaks of a passenger', variable('PASSENGER_APP_ENV', 'production')],
  ['has a command with an ordinary option', { container: { command: ['serve', '--port=8000', '--password-file=/run/secrets/x'] } }],
];

describe('a harmless task definition', () => {
  for (const [what, part] of HARMLESS) it(`that ${what} passes`, () => expect(dangers(part)).toEqual([]));

  it('that empties its role keeps the environment’s', () =>
    expect(render({ task: { taskRoleArn: null, executionRoleArn: null } })).toMatchObject({
      taskRoleArn: foundation.taskRoleArn,
      executionRoleArn: foundation.executionRoleArn,
    }));
});

it('an environment whose name begins as a Region’s does not take every secret of the Region for its own', () => {
  const given = parts({ template: template(secrets(secret('acme/live/database'))) });
  const eu = { ...given.environment, name: 'eu' };
  expect(() => renderTaskDefinition({ ...given, environment: eu })).toThrow(
    'is a secret of another environment: it carries the name of live',
  );
});

it('an environment does not take the secrets of another whose name goes on', () => {
  const given = parts({ template: template(secrets('/acme/test-eu/database')) });
  const environments = { ...given.pipeline.environments, 'test-eu': { ...given.environment, name: 'test-eu' } };
  expect(() => renderTaskDefinition({ ...given, pipeline: { ...given.pipeline, environments } })).toThrow(
    'is a secret of another environment',
  );
});
