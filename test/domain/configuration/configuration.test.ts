import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, parsePipeline } from '../../../domain/configuration/configuration.ts';
import { type PipelineConfig, schemaKeys } from '../../../domain/configuration/schema.ts';
import example from '../../../examples/acme/shiplock.config.ts';

const folder = resolve(import.meta.dirname, '../../../examples/acme');
const FILES: Readonly<Record<string, string>> = {
  'ecs/twice.json': '{"containerDefinitions": [{ "name": "gateway" }, { "name": "gateway" }]}',
  'ecs/nameless.json': '{"containerDefinitions": [{}]}',
  'ecs/null.json': 'null',
  'ecs/broken.yml': 'version: 0.2\nphases:\n  build: [\n',
  'ecs/secret.json': '{"containerDefinitions": [{ "name": "gateway", "secrets": [{ "name": "STAGE", "valueFrom": "/acme/stage" }] }]}',
  'ecs/large-migration.json': '{"memory": "4096", "containerDefinitions": [{ "name": "migrate" }, { "name": "proxy" }]}',
};
const readFile = (path: string) => FILES[path] ?? readFileSync(resolve(folder, path), 'utf8');

/** The example with something done to it. */
function changed(change: (config: PipelineConfig & Record<string, never>) => void): PipelineConfig {
  const config = structuredClone(example) as PipelineConfig & Record<string, never>;
  change(config);
  return config;
}

/** Every problem as one line. */
function problems(change: (config: PipelineConfig & Record<string, never>) => void, files: (path: string) => string = readFile): string[] {
  try {
    parsePipeline(changed(change), files);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
}

type Service = PipelineConfig['services'][string];

/** Further services, before the others, whose paths are wider. */
function addServices(config: PipelineConfig, count: number, make: (index: number) => Service): void {
  const more = Array.from({ length: count }, (_, index): [string, Service] => [`s${index}`, make(index)]);
  Object.assign(config, { services: { ...Object.fromEntries(more), ...config.services } });
}

describe('a slip of the pen', () => {
  it.each<[string, (config: PipelineConfig & Record<string, never>) => void]>([
    ['in the path', (config) => Object.assign(config, { path: ['test', 'betta', 'staging', ['live', 'sandbox']] })],
    ['in an approver', (config) => Object.assign(config.environments.beta!.approval!, { approvers: ['group:integraters'] })],
    ['in a repository', (config) => Object.assign(config.services['catalog-web']!, { containers: { web: 'catlog' } })],
  ])('%s is one problem, not also all that follows from it', (_, change) => {
    expect(problems(change)).toEqual([expect.stringContaining('did you mean')]);
  });
});

describe('the example', () => {
  const pipeline = parsePipeline(example, readFile);

  it('is complete: groups, stages, defaults', () => {
    expect(pipeline.groups.orders?.services).toEqual(['orders-web', 'orders-worker']);
    expect(pipeline.path.map(({ name }) => name)).toEqual(['test', 'beta', 'staging', 'live+sandbox']);
    expect(pipeline.path[3]?.approval).toEqual({
      approvers: ['release-manager@example.com', 'developer@example.com'],
      quorum: 1,
      notAuthor: true,
      expiresHours: 168,
    });
    expect(pipeline.services['catalog-web']?.count).toEqual({ test: 1, beta: 1, staging: 1, live: 2, sandbox: 1 });
    expect(pipeline.environments.test?.onDemand?.hours).toEqual({
      days: [1, 2, 3, 4, 5],
      from: '07:00',
      to: '20:00',
      timeZone: 'Europe/Berlin',
    });
  });

  it('has the time zone of its people, also where nothing is on demand', () => {
    const { onDemand: _, ...always } = example.environments.test!;
    const { onDemand: __, ...also } = example.environments.staging!;
    const lasting = { ...example, environments: { ...example.environments, test: always, staging: also } };
    expect(parsePipeline({ ...lasting, timeZone: 'America/New_York' }, readFile).timeZone).toBe('America/New_York');
    expect(pipeline.timeZone).toBe('Europe/Berlin');
  });

  it('has a digest that changes with its content and not with the order of its keys', () => {
    const turned = Object.fromEntries(Object.entries(example).reverse()) as PipelineConfig;
    expect(parsePipeline(turned, readFile).digest).toBe(pipeline.digest);
    expect(parsePipeline({ ...example, sweepMinutes: 7 }, readFile).digest).not.toBe(pipeline.digest);
    expect(parsePipeline(example, (path) => readFile(path).replace('"512"', '"1024"')).digest).not.toBe(pipeline.digest);
  });

  it('shows every key of the schema', () => {
    const shown = new Set<string>();
    const walk = (value: unknown, path: string) => {
      if (value === null || typeof value !== 'object') return;
      for (const [key, inner] of Object.entries(value)) {
        const own = schemaKeys().includes(`${path}${key}`) ? `${path}${key}` : `${path}*`;
        shown.add(own);
        walk(inner, `${own}.`);
      }
    };
    walk(example, '');
    // The strategy of an environment and of a service are one schema.
    const same = (key: string) => key.replace(/^environments\.\*\.strategy\./, 'services.*.strategy.*.');
    expect([...new Set(schemaKeys())].filter((key) => !shown.has(key) && !shown.has(same(key)))).toEqual([]);
  });
});

describe('hours at night', () => {
  const night = (timeZone: string, to: string, days = 'every-day') =>
    problems((config) => Object.assign(config.environments.test!.onDemand!, { days, from: '00:15', to, timeZone }));

  it('are taken where the clocks never change, or not on those days', () => {
    expect(night('Asia/Tokyo', '02:30')).toEqual([]);
    expect(night('Europe/Berlin', '02:30', 'monday-saturday')).toEqual([]);
    expect(night('Europe/Berlin', '04:00')).toEqual([]);
  });

  it('are refused by the rules of their own zone', () => {
    // Berlin's clocks change at two, London's at one, Egypt's at the midnight before a Friday.
    expect(night('Europe/London', '02:30')).toEqual([]);
    expect(night('Europe/London', '01:30').join()).toContain('01:30 is skipped on 2026-03-29');
    expect(night('Africa/Cairo', '00:45', 'monday-friday').join()).toContain('00:45 is skipped on 2026-04-24');
  });
});

describe('a wrong configuration', () => {
  const cases: [string, string, (config: PipelineConfig & Record<string, never>) => void][] = [
    [
      'an unknown key',
      'environments.live.approvals: unknown key, did you mean "approval"?',
      (config) => Object.assign(config.environments.live!, { approvals: {} }),
    ],
    [
      'an unknown key at the top',
      'repository: unknown key, did you mean "repositories"?',
      (config) => Object.assign(config, { repository: {} }),
    ],
    [
      'an unknown value',
      'repositories.orders.order: unknown value "build-numbr", did you mean "build-number"?',
      (config) => Object.assign(config.repositories.orders!, { order: 'build-numbr' }),
    ],
    [
      'an unknown strategy',
      'environments.live.strategy: unknown value "bluegreen", did you mean "blue-green"?',
      (config) => Object.assign(config.environments.live!, { strategy: 'bluegreen' }),
    ],
    [
      'a share of tasks that is none',
      'environments.test.failureThreshold: neither a number of tasks nor a share of them such as "25%"',
      (config) => Object.assign(config.environments.test!, { failureThreshold: '120%' }),
    ],
    [
      'half a task',
      'environments.test.failureThreshold: not a whole number of tasks',
      (config) => Object.assign(config.environments.test!, { failureThreshold: 2.5 }),
    ],
    [
      'no failure at all',
      'environments.test.failureThreshold: 0 is out of range; at least 1 is needed',
      (config) => Object.assign(config.environments.test!, { failureThreshold: 0 }),
    ],
    [
      'a pause that a teardown would not outwait',
      'environments.test.strategy.pauseMinutes: 421 is more than 420: test is on demand, and its teardown waits at most eight hours for what is under way',
      (config) => Object.assign(config.environments.test!, { strategy: { kind: 'blue-green', pauseMinutes: 421 } }),
    ],
    [
      'steps and a bake that a teardown would not outwait',
      'environments.test.strategy: pauseMinutes (60), steps and bake (545) together are more than 480 minutes: test is on demand, and its teardown waits at most eight hours for what is under way',
      (config) => Object.assign(config.environments.test!, { strategy: { kind: 'linear', percent: 10, stepBakeMinutes: 60 } }),
    ],
    [
      'a path to an environment that does not exist',
      'path[0]: no environment "tests", did you mean "test"?; there are test, beta, staging, live, sandbox',
      (config) => Object.assign(config, { path: ['tests', 'test', 'beta', 'staging', ['live', 'sandbox']] }),
    ],
    [
      'a path to what every object has',
      'path[0]: no environment "__proto__"; there are test, beta, staging, live, sandbox',
      (config) => Object.assign(config, { path: ['__proto__', 'test', 'beta', 'staging', ['live', 'sandbox']] }),
    ],
    [
      'a time that is no text',
      'environments.test.onDemand.from: is a number; a string is needed',
      (config) => Object.assign(config.environments.test!.onDemand!, { from: 7 }),
    ],
    ['too long a name', 'name: has 18 characters; at most 12 fit', (config) => Object.assign(config, { name: 'acme-the-very-long' })],
    [
      'no time at all for a deployment',
      'environments.test.timeouts.deployMinutes: 0 is out of range; at least 1 is needed',
      (config) => Object.assign(config.environments.test!.timeouts!, { deployMinutes: 0 }),
    ],
    ['an empty path', 'path: names 0; at least 1 is needed', (config) => Object.assign(config, { path: [] })],
    [
      'more voices than there are people',
      'environments.beta.approval.quorum: 3 people are asked for, and 1 may approve; name more approvers',
      (config) => Object.assign(config.environments.beta!.approval!, { quorum: 3 }),
    ],
    [
      'an environment that no stage has',
      'environments.sandbox: is in no stage of the path; add it there or remove it',
      (config) => Object.assign(config, { path: ['test', 'beta', 'staging', 'live'] }),
    ],
    [
      'an environment twice in the path',
      'path[4]: "test" is in the path twice',
      (config) => Object.assign(config, { path: ['test', 'beta', 'staging', ['live', 'sandbox'], 'test'] }),
    ],
    [
      'hours that end before they begin',
      'environments.test.onDemand.to: 06:00 is not after 07:00: an environment opens and closes on the same day',
      (config) => Object.assign(config.environments.test!.onDemand!, { to: '06:00' }),
    ],
    [
      'an impossible time',
      'environments.test.onDemand.from: not a time such as "07:00"',
      (config) => Object.assign(config.environments.test!.onDemand!, { from: '7 am' }),
    ],
    [
      'an unknown time zone',
      'environments.test.onDemand.timeZone: there is no time zone "Europe/Berln"; a name such as "Europe/Berlin" is needed',
      (config) => Object.assign(config.environments.test!.onDemand!, { timeZone: 'Europe/Berln' }),
    ],
    [
      'an unknown time zone of its people',
      'timeZone: there is no time zone "Europe/Berln"; a name such as "Europe/Berlin" is needed',
      (config) => Object.assign(config, { timeZone: 'Europe/Berln' }),
    ],
    [
      'an unknown approver',
      'environments.beta.approval.approvers: "integration@example.com" is none of the people',
      (config) => Object.assign(config.environments.beta!.approval!, { approvers: ['integration@example.com'] }),
    ],
    [
      'a group that nobody is in',
      'environments.beta.approval.approvers: nobody is in "group:integrator", did you mean "integrators"?; give people that group',
      (config) => Object.assign(config.environments.beta!.approval!, { approvers: ['group:integrator'] }),
    ],
    [
      'an unknown repository',
      'services.gateway.containers.gateway: no repository "gatway", did you mean "gateway"?',
      (config) => Object.assign(config.services.gateway!, { containers: { gateway: 'gatway' } }),
    ],
    [
      'a container that the template lacks',
      'services.gateway.containers.gatway: ecs/gateway.json has no such container, did you mean "gateway"?',
      (config) => Object.assign(config.services.gateway!, { containers: { gateway: 'gateway', gatway: 'gateway' } }),
    ],
    [
      'a template that is not there',
      'services.gateway.taskDefinition: there is no file ecs/gatway.json',
      (config) => Object.assign(config.services.gateway!, { taskDefinition: 'ecs/gatway.json' }),
    ],
    [
      'a path that two services want',
      'services.gateway.web.path: /orders* is the path of orders-web too; a request can go to one of them only',
      (config) => Object.assign(config.services.gateway!.web!, { path: '/orders*' }),
    ],
    [
      'a check of an unknown service',
      'environments.test.checks[0].service: no service "order-web", did you mean "orders-web"?',
      (config) => Object.assign(config.environments.test!.checks![0]!, { service: 'order-web' }),
    ],
    [
      'an unknown build',
      'environments.test.build: no build "system-test", did you mean "system-tests"?',
      (config) => Object.assign(config.environments.test!, { build: 'system-test' }),
    ],
    [
      'a closing time that a change of the clocks skips',
      'environments.test.onDemand.to: 02:30 is skipped on 2026-03-29, when the clocks of Europe/Berlin change; take a time that each of these days has once',
      (config) => Object.assign(config.environments.test!.onDemand!, { days: 'every-day', from: '00:30', to: '02:30' }),
    ],
    [
      'an opening time that a change of the clocks repeats',
      'environments.test.onDemand.from: 01:30 comes twice on 2026-11-01, when the clocks of America/New_York change',
      (config) => Object.assign(config.environments.test!.onDemand!, { days: 'every-day', from: '01:30', timeZone: 'America/New_York' }),
    ],
    [
      'a check of a service that no request reaches',
      'environments.test.checks[0].service: orders-worker has no `web`, so no request reaches it; give it one, or check another service',
      (config) => Object.assign(config.environments.test!.checks![0]!, { service: 'orders-worker' }),
    ],
    [
      'a session that two people share',
      'people.developer@example.com.session: "integration-lead@example.com" is the session of integration-lead@example.com too, and nobody could tell them apart',
      (config) => Object.assign(config.people!['developer@example.com']!, { session: 'integration-lead@example.com' }),
    ],
    [
      'a path that is never reached',
      'services.catalog-web.web.path: /* of gateway is asked first and takes every request of /catalog*; put catalog-web before gateway',
      (config) => {
        const { gateway, ...others } = config.services;
        Object.assign(config, { services: { gateway, ...others } });
      },
    ],
    [
      'a container that is there twice',
      'services.gateway.taskDefinition: ecs/twice.json has two containers "gateway"',
      (config) => Object.assign(config.services.gateway!, { taskDefinition: 'ecs/twice.json' }),
    ],
    [
      'a template that is a text',
      'services.gateway.taskDefinition: ecs/null.json has no containerDefinitions',
      (config) => Object.assign(config.services.gateway!, { taskDefinition: 'ecs/null.json' }),
    ],
    [
      'a container without a name',
      'services.gateway.taskDefinition: ecs/nameless.json has a container without a name',
      (config) => Object.assign(config.services.gateway!, { taskDefinition: 'ecs/nameless.json' }),
    ],
    [
      'an approver who is none of the people but a property of every object',
      'environments.beta.approval.approvers: "constructor" is none of the people',
      (config) => Object.assign(config.environments.beta!.approval!, { approvers: ['constructor'] }),
    ],
    [
      'an environment whose promotions would have too long a name',
      'environments.staging-for-everybody: the name has 21 characters, and the names of promotions leave it 19; shorten it',
      (config) =>
        Object.assign(config, {
          environments: { ...config.environments, 'staging-for-everybody': config.environments.staging },
          path: [...config.path, 'staging-for-everybody'],
        }),
    ],
    [
      'two services whose names would be put together the same',
      'services.eu-gateway: in test it would be called acme-test-eu-gateway, as gateway in test-eu; rename one of them',
      (config) =>
        Object.assign(config, {
          environments: { 'test-eu': config.environments.beta, ...config.environments },
          path: [...config.path, 'test-eu'],
          services: { ...config.services, 'eu-gateway': config.services['catalog-web'] },
        }),
    ],
    [
      'two builds whose projects would be put together the same',
      'environments.test-eu.build: its CodeBuild project would be called acme-test-eu-smoke, as that of eu-smoke in test; rename one of the builds',
      (config) =>
        Object.assign(config, {
          environments: {
            ...config.environments,
            test: { ...config.environments.test, build: 'eu-smoke' },
            'test-eu': { ...config.environments.beta, build: 'smoke' },
          },
          path: [...config.path, 'test-eu'],
          builds: { ...config.builds, smoke: config.builds!['system-tests'], 'eu-smoke': config.builds!['system-tests'] },
        }),
    ],
    [
      'a name that AWS keeps for itself',
      'name: "internal": AWS takes no load balancer whose name begins with "internal-"; take another name',
      (config) => Object.assign(config, { name: 'internal' }),
    ],
    [
      'a name that ends with a hyphen',
      'name: lower-case letters and digits, with single hyphens between them, beginning with a letter',
      (config) => Object.assign(config, { name: 'acme-' }),
    ],
    [
      'an environment whose name ends with a hyphen',
      'environments.eu-: ',
      (config) => Object.assign(config, { environments: { ...config.environments, 'eu-': config.environments.beta }, path: ['eu-'] }),
    ],
    [
      'a second site',
      'sites: there are main, away; a pipeline has one site so far. Make one pipeline for each site',
      (config) => Object.assign(config.sites, { away: { account: '444455556666', region: 'eu-west-1' } }),
    ],
    ['no site', 'sites: there is none; a pipeline has one site so far', (config) => Object.assign(config, { sites: {} })],
    [
      'more web services than a load balancer leads to',
      'services: 103 have `web` and need a target group each, 103 of them two in live, where their traffic shifts, and the load balancer of an environment has 100',
      (config) =>
        addServices(config, 100, (index) => ({
          ...config.services.gateway!,
          web: { ...config.services.gateway!.web!, path: `/${index}` },
        })),
    ],
    [
      'more ports than a security group opens',
      'services: they listen on 62 ports, and a security group opens 60; let services share ports',
      (config) =>
        addServices(config, 60, (index) => {
          const { web, ...gateway } = config.services.gateway!;
          return { ...gateway, web: { ...web!, path: `/${index}`, port: 9000 + index } };
        }),
    ],
    [
      'more services than a stack holds',
      'services: 504, 3 of them with `web` and 3 whose traffic shifts in live, make 568 resources in the stack of an environment, and a stack holds 480; make several pipelines',
      (config) => addServices(config, 500, () => config.services['orders-worker']!),
    ],
    [
      'more environments than policies have room for',
      'environments: there are 101, and the policies of a pipeline have room for 100; make several pipelines',
      (config) => {
        const more = Array.from({ length: 96 }, (_, index) => `e${index}`);
        Object.assign(config, {
          environments: { ...config.environments, ...Object.fromEntries(more.map((name) => [name, config.environments.beta])) },
          path: [...config.path, ...more],
        });
      },
    ],
    [
      'an environment whose deployers could deploy to another, with very many services',
      'environments.test-eu: begins with the name of test, and with more than 30 services (44) whoever deploys to test could deploy to it; let the names begin differently, such as eu-test',
      (config) => {
        addServices(config, 40, () => config.services['orders-worker']!);
        Object.assign(config, {
          environments: { ...config.environments, 'test-eu': config.environments.beta },
          path: [...config.path, 'test-eu'],
        });
      },
    ],
    [
      'a turn that would not wait for Monday',
      "environments.test.timeouts.turnHours: 60 is shorter than the longest night or weekend, and `outside: 'wait'` would refuse a late push before test opens; make it 61 or more",
      (config) => Object.assign(config.environments.test!.timeouts!, { turnHours: 60 }),
    ],
    [
      'a Region that AWS has not',
      'sites.main.region: AWS has no Region "eu-centrl-1", did you mean "eu-central-1"?',
      (config) => Object.assign(config.sites.main!, { region: 'eu-centrl-1' }),
    ],
    [
      'a Region of another partition',
      'sites.main.region: us-gov-west-1 is of another partition of AWS than `aws`',
      (config) => Object.assign(config.sites.main!, { region: 'us-gov-west-1' }),
    ],
    [
      'less than a tenth of a percent',
      'environments.beta.strategy.percent: 0.15: ECS takes tenths of a percent; write 0.2',
      (config) => Object.assign(config.environments.beta!, { strategy: { kind: 'canary', percent: 0.15 } }),
    ],
    [
      'a question that outlives its execution',
      'path: a release may wait 9336 hours at gates and for turns (`expiresHours`, `turnHours`), and its execution ends after a year, 8760 hours',
      (config) => {
        Object.assign(config.environments.beta!.approval!, { expiresHours: 8760 });
        Object.assign(config.environments.live!.approval!, { expiresHours: 216 });
      },
    ],
    [
      'what Fargate refuses whatever is allowed',
      'environments.test.allow[1]: "privileged" allows nothing: services run on Fargate, which refuses it always; take it out',
      (config) => Object.assign(config.environments.test!, { allow: ['foreign-secrets', 'privileged'] }),
    ],
    [
      'people who differ by their case',
      'people.Developer@example.com: differs from developer@example.com only by its case',
      (config) => Object.assign(config.people!, { 'Developer@example.com': {} }),
    ],
    [
      'a gate that its author would close for ever',
      'environments.live.approval.quorum: 2 people are asked for, none of whom wrote the change, and 2 may approve: what one of them wrote could never enter; name more approvers',
      (config) => Object.assign(config.environments.live!.approval!, { quorum: 2 }),
    ],
    [
      'a gate of several environments that its author would close for ever',
      'path: stage live+sandbox, all its environments together: 2 people are asked for, none of whom wrote the change, and 2 may approve',
      (config) =>
        Object.assign(config.environments.sandbox!, {
          approval: { approvers: ['group:release-managers', 'group:integrators'], quorum: 2 },
        }),
    ],
    [
      'tags as a regular expression',
      'repositories.orders.tags: "^sha-[0-9a-f]+$" has "^", which no tag of ECR has: this is no regular expression, but a pattern in which * stands for any characters, such as "sha-*"',
      (config) => Object.assign(config.repositories.orders!, { tags: '^sha-[0-9a-f]+$' }),
    ],
    [
      'versions where tags have none',
      'repositories.orders.order: no tag that fits "git_*" is a version such as 1.2.3 or v1.2.3',
      (config) => Object.assign(config.repositories.orders!, { order: 'semver' }),
    ],
    [
      'numbers where tags have none',
      'repositories.orders.order: no tag that fits "latest" ends in a number',
      (config) => Object.assign(config.repositories.orders!, { tags: 'latest', order: 'build-number' }),
    ],
    [
      'a platform that Fargate has not',
      'repositories.orders.platform: tasks run on linux/amd64, linux/arm64, windows/amd64, and not on "linux/arm"',
      (config) => Object.assign(config.repositories.orders!, { platform: 'linux/arm' }),
    ],
    [
      'a path that is written the wrong way round',
      'path[0]: live+sandbox comes before staging, beta, test: what is pushed would reach customers before it is tested',
      (config) => Object.assign(config, { path: [...config.path].reverse() }),
    ],
    [
      'a buildspec that is no YAML',
      'builds.system-tests.buildspec: ecs/broken.yml:4:1 is no YAML',
      (config) => Object.assign(config.builds!['system-tests']!, { buildspec: 'ecs/broken.yml' }),
    ],
    [
      'a port that no container listens on',
      'services.gateway.taskDefinition.containerDefinitions[0].portMappings: gateway listens on 8000 by its template, and `web.port` of the configuration sends requests to 8001; name the same port in both (ecs/gateway.json:9; in all environments)',
      (config) => Object.assign(config.services.gateway!.web!, { port: 8001 }),
    ],
    [
      'a variable of one environment that is a secret of the template',
      'services.gateway.taskDefinition.containerDefinitions[0].secrets.STAGE: is a variable too (in `environment`, or in the environment’s `variables`), and ECS takes a name once; take one out (ecs/secret.json:1; in beta)',
      (config) => {
        Object.assign(config.services.gateway!, { taskDefinition: 'ecs/secret.json' });
        Object.assign(config.environments.beta!, { variables: { STAGE: 'beta' } });
        for (const environment of Object.values(config.environments)) Object.assign(environment, { allow: ['foreign-secrets'] });
      },
    ],
    [
      'a migration that no task could run',
      'databases.orders.taskDefinition.memory: with 256 CPU units Fargate has no 4096 MiB',
      (config) => Object.assign(config.databases!.orders!, { taskDefinition: 'ecs/large-migration.json' }),
    ],
    ['a missing key', 'path: is missing; an array is needed', (config) => Reflect.deleteProperty(config, 'path')],
  ];
  for (const [what, message, change] of cases) {
    it(`says where ${what} stands and what to do`, () => expect(problems(change)).toContainEqual(expect.stringContaining(message)));
  }

  it('takes a turn that waits as long as the longest night, and one that need not wait', () => {
    const hours = (turnHours: number, onDemand: object) =>
      problems((config) => {
        Object.assign(config.environments.test!.timeouts!, { turnHours });
        Object.assign(config.environments.test!.onDemand!, onDemand);
      });
    expect(hours(61, {})).toEqual([]);
    expect(hours(1, { outside: 'wake' })).toEqual([]);
    expect(hours(13, { days: 'every-day' })).toEqual([]);
    expect(hours(12, { days: 'every-day' }).join()).toContain('make it 13 or more');
  });

  it('counts what each strategy really takes of a load balancer and a stack', () => {
    const web = (count: number, strategy: string) =>
      problems((config) => {
        addServices(config, count - 3, (index) => ({
          ...config.services['catalog-web']!,
          web: { ...config.services['catalog-web']!.web!, path: `/${index}` },
        }));
        for (const environment of Object.values(config.environments)) Object.assign(environment, { strategy });
        for (const service of Object.values(config.services)) Reflect.deleteProperty(service, 'strategy');
      });
    expect(web(100, 'rolling')).toEqual([]);
    expect(web(101, 'rolling').join()).toContain(
      '101 have `web` and need a target group each and the load balancer of an environment has 100',
    );
    expect(web(48, 'blue-green')).toEqual([]);
    expect(web(51, 'blue-green').join()).toContain('51 of them two in test');
    expect(web(50, 'blue-green').join()).toContain('a stack holds 480');
  });

  it('takes fifty services in five environments within two seconds of one core', () => {
    const text = JSON.stringify({
      containerDefinitions: [
        {
          name: 'gateway',
          portMappings: [{ containerPort: 8000 }],
          environment: Array.from({ length: 20 }, (_, index) => ({ name: `V${index}`, value: `value %BUILD_VERSION% ${index}` })),
          healthCheck: { command: ['CMD-SHELL', 'curl -f localhost'] },
        },
      ],
    });
    const before = process.cpuUsage();
    const found = problems(
      (config) =>
        addServices(config, 46, (index) => ({
          ...config.services.gateway!,
          web: { ...config.services.gateway!.web!, path: `/${index}` },
          strategy: {},
        })),
      (path) => (path === 'ecs/gateway.json' ? text : readFile(path)),
    );
    const { user, system } = process.cpuUsage(before);
    // Live is blue/green, and has room for fewer.
    expect(found).toEqual([expect.stringContaining('a stack holds 480')]);
    expect((user + system) / 1e6).toBeLessThan(2);
  });

  it('takes a path whose names say nothing, and one that ends in live', () => {
    expect(problems((config) => Object.assign(config, { path: ['beta', 'test', 'staging', ['live', 'sandbox']] }))).toEqual([]);
  });

  it('takes the tags that its order can read', () => {
    const takes = (tags: string, order: string) => problems((config) => Object.assign(config.repositories.orders!, { tags, order }));
    for (const [tags, order] of [
      ['*', 'semver'],
      ['v*', 'semver'],
      ['1.*', 'semver'],
      ['*.*.*', 'semver'],
      ['*-rc.*', 'semver'],
      ['v2.*.*', 'semver'],
      ['build-*', 'build-number'],
      ['git_*', 'build-number'],
      ['release-7', 'build-number'],
      ['git_*', 'commit-time'],
    ] as const)
      expect(takes(tags, order), `${tags} ${order}`).toEqual([]);
  });

  it('takes many services, and environments that begin alike where there are few', () => {
    expect(problems((config) => addServices(config, 300, () => config.services['orders-worker']!))).toEqual([]);
    const alike = (config: PipelineConfig) =>
      Object.assign(config, {
        environments: { ...config.environments, 'test-eu': config.environments.beta },
        path: [...config.path, 'test-eu'],
      });
    expect(problems(alike)).toEqual([]);
  });

  it('takes a service with a long name: CloudFormation names its target group', () =>
    expect(
      problems((config) =>
        Object.assign(config, {
          services: { ...config.services, 'a-service-whose-name-is-long': { ...config.services.gateway, web: undefined } },
        }),
      ),
    ).toEqual([]));

  it('refuses a template that is no JSON, and one that keeps a placeholder', () => {
    expect(
      problems(
        () => {},
        (path) => (path === 'ecs/gateway.json' ? '{' : readFile(path)),
      ).join(),
    ).toContain('services.gateway.taskDefinition: ecs/gateway.json:1:2 is no JSON: it ends too early');
    expect(
      problems(
        () => {},
        (path) => readFile(path).replaceAll('%BUILD_VERSION%', '%VERSION%'),
      ).join(),
    ).toContain('keeps the placeholder %VERSION%, which nothing fills; known is %BUILD_VERSION%');
  });

  it('is told with all that is wrong at once', () =>
    expect(
      problems((config) =>
        Object.assign(config, {
          path: ['test', 'beta', 'staging', 'live'],
          environments: { ...config.environments, test: { ...config.environments.test, build: 'x' } },
        }),
      ).length,
    ).toBeGreaterThan(1));
});
