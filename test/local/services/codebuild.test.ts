import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BatchGetBuildsCommand,
  BatchGetProjectsCommand,
  type Build,
  CodeBuildClient,
  CreateProjectCommand,
  type CreateProjectCommandInput,
  ListBuildsForProjectCommand,
  StartBuildCommand,
  type StartBuildCommandInput,
  StopBuildCommand,
} from '@aws-sdk/client-codebuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { textResponse } from '../../../local/core/http.ts';
import { identities } from '../../../local/core/iam/identities.ts';
import { type Service, ServiceError } from '../../../local/core/service.ts';
import { World } from '../../../local/core/world.ts';
import { Codebuild } from '../../../local/services/codebuild/index.ts';
import { allows, Double, trusts } from './double.ts';

const account = '111122223333';
const region = 'eu-central-1';
const start = Date.parse('2026-11-23T16:00:00Z');
const seconds = (time: Date | undefined) => (time!.getTime() - start) / 1000;

interface Event {
  readonly 'detail-type': string;
  readonly resources: readonly string[];
  readonly detail: Record<string, unknown>;
}

/** A bus that only remembers, with each event as it was. */
class Bus implements Service {
  readonly operations = {};
  readonly events: Event[] = [];

  publish(event: Event): void {
    this.events.push(structuredClone(event));
  }
}

/** As much of CloudWatch Logs as a build writes to. */
function logsDouble() {
  const groups = new Map<string, Set<string>>();
  const lines: string[] = [];
  const service = new Double(
    {
      CreateLogGroup: ({ logGroupName }: { logGroupName: string }) => {
        groups.set(logGroupName, new Set());
        return {};
      },
      CreateLogStream: ({ logGroupName, logStreamName }: { logGroupName: string; logStreamName: string }) => {
        const group = groups.get(logGroupName);
        if (group === undefined) throw new ServiceError('ResourceNotFoundException', 'The specified log group does not exist.');
        group.add(logStreamName);
        return {};
      },
      PutLogEvents: ({ logEvents }: { logEvents: { message: string }[] }) => {
        lines.push(...logEvents.map(({ message }) => message.trimEnd()));
        return {};
      },
    },
    (operation, { logGroupName, logStreamName }: { logGroupName: string; logStreamName?: string }) => ({
      action: `logs:${operation}`,
      resource: `arn:aws:logs:${region}:${account}:log-group:${logGroupName}:log-stream:${operation === 'PutLogEvents' ? logStreamName : ''}`,
    }),
  );
  return { service, groups, lines };
}

let clock: VirtualClock;
let world: World;
let bus: Bus;
let logs: ReturnType<typeof logsDouble>;
let parameters: Record<string, string>;
let codebuild: CodeBuildClient;
let role: string;
let scratch: string;

beforeEach(() => {
  clock = new VirtualClock(start);
  bus = new Bus();
  logs = logsDouble();
  parameters = {};
  const ssm = new Double(
    {
      GetParameters: ({ Names }: { Names: string[] }) => ({
        Parameters: Names.filter((Name) => Name in parameters).map((Name) => ({ Name, Value: parameters[Name] })),
        InvalidParameters: Names.filter((Name) => !(Name in parameters)),
      }),
    },
    () => ({ action: 'ssm:GetParameters', resource: `arn:aws:ssm:${region}:${account}:parameter/*` }),
  );
  world = new World(clock, { codebuild: (site) => new Codebuild(site), events: () => bus, logs: () => logs.service, ssm: () => ssm }, 7);
  const people = identities(world, account);
  const made = people.createRole({ name: 'builds', trust: trusts('codebuild.amazonaws.com') });
  made.inline.set('logs', allows(['logs:*', 'ssm:GetParameters']));
  role = made.arn;
  const credentials = people.user('operator', { all: allows(['codebuild:*', 'iam:PassRole']) });
  codebuild = new CodeBuildClient(clientConfig(world, { region, credentials }));
  scratch = mkdtempSync(join(tmpdir(), 'codebuild-test-'));
});

afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const service = () => world.site(account, region).service('codebuild');

function project(buildspec: string | object, settings: Partial<CreateProjectCommandInput> = {}): CreateProjectCommandInput {
  return {
    name: 'checks',
    source: { type: 'NO_SOURCE', buildspec: typeof buildspec === 'string' ? buildspec : JSON.stringify({ version: 0.2, ...buildspec }) },
    artifacts: { type: 'NO_ARTIFACTS' },
    environment: { type: 'LINUX_CONTAINER', computeType: 'BUILD_GENERAL1_SMALL', image: 'aws/codebuild/standard:7.0' },
    serviceRole: role,
    ...settings,
  };
}

async function begin(
  buildspec: string | object,
  settings: Partial<CreateProjectCommandInput> = {},
  input: Partial<StartBuildCommandInput> = {},
): Promise<Build> {
  await codebuild.send(new CreateProjectCommand(project(buildspec, settings)));
  return (await codebuild.send(new StartBuildCommand({ projectName: 'checks', ...input }))).build!;
}

async function describeBuild(id: string | undefined): Promise<Build> {
  return (await codebuild.send(new BatchGetBuildsCommand({ ids: [id!] }))).builds![0]!;
}

/** Runs a build to its end. */
async function run(...parameters: Parameters<typeof begin>): Promise<Build> {
  const { id } = await begin(...parameters);
  await clock.run();
  return describeBuild(id);
}

const commands = (...list: string[]) => ({ phases: { build: { commands: list } } });
const phasesOf = (build: Build) => build.phases!.map(({ phaseType, phaseStatus }) => `${phaseType} ${phaseStatus ?? ''}`.trim());
const failureOf = (build: Build) => build.phases!.flatMap(({ contexts = [] }) => contexts).find(({ statusCode }) => statusCode);
/** What the commands wrote, without CodeBuild's own lines. */
const written = () => logs.lines.filter((line) => !line.startsWith('[Container]'));

describe('a build', () => {
  it('runs its commands and goes through all phases in virtual time', async () => {
    const build = await run(
      commands('echo hello', 'echo "and $GREETED" >&2'),
      {},
      { environmentVariablesOverride: [{ name: 'GREETED', value: 'goodbye' }] },
    );
    expect(build).toMatchObject({
      buildStatus: 'SUCCEEDED',
      buildComplete: true,
      currentPhase: 'COMPLETED',
      buildNumber: 1,
      initiator: 'operator',
    });
    expect(build.id).toMatch(/^checks:[0-9a-f-]{36}$/);
    expect(build.arn).toBe(`arn:aws:codebuild:${region}:${account}:build/${build.id}`);
    expect(phasesOf(build)).toEqual([
      'SUBMITTED SUCCEEDED',
      'QUEUED SUCCEEDED',
      'PROVISIONING SUCCEEDED',
      'DOWNLOAD_SOURCE SUCCEEDED',
      'INSTALL SUCCEEDED',
      'PRE_BUILD SUCCEEDED',
      'BUILD SUCCEEDED',
      'POST_BUILD SUCCEEDED',
      'UPLOAD_ARTIFACTS SUCCEEDED',
      'FINALIZING SUCCEEDED',
      'COMPLETED',
    ]);
    expect(seconds(build.endTime)).toBe(30);
    expect(build.phases![6]).toMatchObject({ durationInSeconds: 10, contexts: [{ statusCode: '', message: '' }] });
    expect(written()).toEqual(['hello', 'and goodbye']);
    expect(logs.lines).toContain('[Container] 2026/11/23 16:00:20.000000 Running command echo hello');
    expect(logs.groups.get('/aws/codebuild/checks')).toEqual(new Set([build.logs!.streamName]));
    expect(world.meter.total('codebuild.minute', { computeType: 'BUILD_GENERAL1_SMALL' })).toBe(1);
  });

  it('takes the durations that are declared for it, and pays for minutes begun', async () => {
    Object.assign(service().durations, { PROVISIONING: 40, BUILD: 90 });
    const build = await run(commands('true'));
    expect(seconds(build.endTime)).toBe(131);
    expect(world.meter.total('codebuild.minute')).toBe(3);
  });

  it('runs in one shell, in an empty folder of its own that is gone afterwards', async () => {
    const file = join(scratch, 'folder');
    await run({
      phases: {
        pre_build: { commands: ['TAG=git_1', 'mkdir sub && cd sub', 'double() { echo "$1$1"; }', 'ls -A ..'] },
        build: { commands: ['echo "$TAG $(basename "$PWD")"', 'double x', 'echo "$HOME"', `printf %s "$CODEBUILD_SRC_DIR" > ${file}`] },
      },
    });
    expect(written()).toEqual(['sub', 'git_1 sub', 'xx', '/codebuild/output']);
    const folder = readFileSync(file, 'utf8');
    expect(folder).toContain(tmpdir());
    expect(existsSync(folder)).toBe(false);
    expect(existsSync(join(folder, '..'))).toBe(false);
  });

  it('sees nothing of the environment of this process', async () => {
    process.env.SECRET_OF_THE_MACHINE = 'x';
    try {
      await run(commands('env'));
    } finally {
      delete process.env.SECRET_OF_THE_MACHINE;
    }
    const names = written().map((line) => line.split('=')[0]);
    expect(names).toEqual(expect.arrayContaining(['PATH', 'HOME', 'http_proxy', 'CODEBUILD_BUILD_ID', 'AWS_REGION', 'CI']));
    expect(names).not.toContain('SECRET_OF_THE_MACHINE');
  });

  it('fails with the command that failed, goes on with post_build, and always with finally', async () => {
    const build = await run({
      phases: {
        build: { commands: ['echo before', 'sh -c "exit 3"', 'echo never'], finally: ['echo cleanup'] },
        post_build: { commands: ['echo "succeeding: $CODEBUILD_BUILD_SUCCEEDING"'] },
      },
    });
    expect(build.buildStatus).toBe('FAILED');
    expect(failureOf(build)).toEqual({
      statusCode: 'COMMAND_EXECUTION_ERROR',
      message: 'Error while executing command: sh -c "exit 3". Reason: exit status 3',
    });
    expect(phasesOf(build).slice(6)).toEqual([
      'BUILD FAILED',
      'POST_BUILD SUCCEEDED',
      'UPLOAD_ARTIFACTS SUCCEEDED',
      'FINALIZING SUCCEEDED',
      'COMPLETED',
    ]);
    expect(written()).toEqual(['before', 'cleanup', 'succeeding: 0']);
    expect(logs.lines).toContainEqual(
      expect.stringMatching(/Phase context status code: COMMAND_EXECUTION_ERROR Message: Error while executing/),
    );
  });

  it('that fails before its build phase does not build', async () => {
    const build = await run({
      phases: { pre_build: { commands: ['false'] }, build: { commands: ['echo never'] }, post_build: { commands: ['echo never'] } },
    });
    expect(phasesOf(build).slice(5)).toEqual(['PRE_BUILD FAILED', 'FINALIZING SUCCEEDED', 'COMPLETED']);
    expect([build.buildStatus, written()]).toEqual(['FAILED', []]);
  });

  it('heeds on-failure', async () => {
    const abort = await run({
      phases: { build: { 'on-failure': 'ABORT', commands: ['false'] }, post_build: { commands: ['echo never'] } },
    });
    expect(phasesOf(abort).slice(6)).toEqual(['BUILD FAILED', 'FINALIZING SUCCEEDED', 'COMPLETED']);
    const goOn = await run(
      { phases: { install: { 'on-failure': 'CONTINUE', commands: ['false'] }, build: { commands: ['echo built'] } } },
      { name: 'other' },
      { projectName: 'other' },
    );
    expect([goOn.buildStatus, phasesOf(goOn)[4], phasesOf(goOn)[6]]).toEqual(['FAILED', 'INSTALL FAILED', 'BUILD SUCCEEDED']);
    expect(written()).toEqual(['built']);
  });

  it('survives a command that ends the shell', async () => {
    const build = await run({ phases: { build: { commands: ['exit 4'] }, post_build: { commands: ['echo still here'] } } });
    expect(failureOf(build)?.message).toBe('Error while executing command: exit 4. Reason: exit status 4');
    expect(written()).toEqual(['still here']);
  });

  it('takes variables from StartBuild before the project before the buildspec, and from the Parameter Store', async () => {
    parameters['/checks/url'] = 'http://beta.example.com';
    const build = await run(
      {
        env: {
          variables: { A: 'spec', B: 'spec', C: 'spec' },
          'parameter-store': { URL: '/checks/url' },
          'exported-variables': ['RESULT', 'LATER'],
        },
        phases: { build: { commands: ['echo $A $B $C $URL', 'RESULT="two words"'] } },
      },
      {
        environment: {
          type: 'LINUX_CONTAINER',
          computeType: 'BUILD_GENERAL1_SMALL',
          image: 'aws/codebuild/standard:7.0',
          environmentVariables: [
            { name: 'B', value: 'project' },
            { name: 'C', value: 'project' },
          ],
        },
      },
      { environmentVariablesOverride: [{ name: 'C', value: 'start' }] },
    );
    expect(written()[0]).toBe('spec project start http://beta.example.com');
    expect(build.exportedEnvironmentVariables).toEqual([
      { name: 'RESULT', value: 'two words' },
      { name: 'LATER', value: '' },
    ]);
  });

  it('fails where a parameter does not exist', async () => {
    const build = await run({ env: { 'parameter-store': { URL: '/none' } }, ...commands('echo never') });
    expect(failureOf(build)).toEqual({ statusCode: 'Decrypted Variables Error', message: 'parameter does not exist: /none' });
    expect(phasesOf(build).slice(3)).toEqual(['DOWNLOAD_SOURCE FAILED', 'FINALIZING SUCCEEDED', 'COMPLETED']);
  });

  it.each([
    [
      'version: 0.2\nphases:\n  build:\n    commands:\n      - a: b\n',
      'Expected phases.build.commands[0] to be of string type: found subkeys instead',
    ],
    ['version: 0.2\n', 'phases: missing'],
    [
      'version: 0.2\nphases:\n  biuld:\n    commands: [ls]\n',
      'phases: local AWS does not know "biuld"; it knows install, pre_build, build, post_build',
    ],
    ['version: 0.1\nphases: {}\n', 'version: 0.1; local AWS knows version 0.2'],
  ])('fails with YAML_FILE_ERROR on a wrong buildspec %#', async (buildspec, message) => {
    expect(failureOf(await run(buildspec))).toEqual({ statusCode: 'YAML_FILE_ERROR', message });
  });
});

describe('the world as a build sees it', () => {
  it('answers plain HTTP from curl and from Node', async () => {
    const seen: string[] = [];
    world.listen('beta-1.eu-central-1.elb.amazonaws.com', ({ method, host, path, query, body }) => {
      seen.push(`${method} ${host}${path}?${query} ${new TextDecoder().decode(body)}`);
      return textResponse(path === '/broken' ? 500 : 200, 'fine');
    });
    const url = 'http://beta-1.eu-central-1.elb.amazonaws.com';
    const script = `fetch('${url}/node?x=1', { method: 'POST', body: 'order' }).then(async (r) => console.log(r.status, await r.text()))`;
    const build = await run(commands(`curl -sf ${url}/health; echo`, `"${process.execPath}" -e "${script}"`, `curl -sf ${url}/broken`));
    expect(written()).toEqual(['fine', '200 fine']);
    expect(seen.map((line) => line.trim())).toEqual([
      'GET beta-1.eu-central-1.elb.amazonaws.com/health?',
      'POST beta-1.eu-central-1.elb.amazonaws.com/node?x=1 order',
      'GET beta-1.eu-central-1.elb.amazonaws.com/broken?',
    ]);
    expect(failureOf(build)?.message).toContain('exit status 22');
  });

  it('does not answer for hosts that do not exist, nor for TLS', async () => {
    const build = await run(
      commands('curl -s http://nobody.example.com/ || echo "no http: $?"', 'curl -s https://nobody.example.com/ || echo "no https: $?"'),
    );
    expect(build.buildStatus).toBe('SUCCEEDED');
    expect(written()).toEqual([expect.stringMatching(/^no http: [1-9]/), expect.stringMatching(/^no https: [1-9]/)]);
  });

  it('changes while a build sleeps, and in no other time', async () => {
    world.listen('beta.example.com', () => textResponse(clock.now() >= start + 60_000 ? 200 : 503, String((clock.now() - start) / 1000)));
    const build = await run(commands('until curl -sf http://beta.example.com/; do sleep 15; done'));
    // The container stands after 20 seconds: tries at 20, 35, 50 and 65.
    expect(written()).toEqual(['65']);
    expect(build.phases!.find(({ phaseType }) => phaseType === 'BUILD')?.durationInSeconds).toBe(45 + 10);
  });

  it('may take its time to answer', async () => {
    world.listen('slow.example.com', async () => {
      await new Promise<void>((resolve) => void clock.after(30_000, 'a slow answer', resolve));
      return textResponse(200, 'at last');
    });
    const build = await run(commands('curl -s http://slow.example.com/'));
    expect(written()).toEqual(['at last']);
    expect(seconds(build.endTime)).toBe(20 + 30 + 10);
  });

  it('stands still while a process computes', async () => {
    const ticks: number[] = [];
    const { id } = await begin(commands(`"${process.execPath}" -e "const end = Date.now() + 300; while (Date.now() < end);"`));
    clock.after(20_001, 'a tick', () => ticks.push(clock.now()));
    await clock.run();
    const [, , , , , , build] = (await describeBuild(id)).phases!;
    expect(build!.startTime).toEqual(new Date(start + 20_000));
    expect(ticks).toEqual([start + 20_001]);
    expect(build!.durationInSeconds).toBe(10);
  });
});

describe('ending a build early', () => {
  it('StopBuild kills its processes and removes its folder', async () => {
    const pid = join(scratch, 'pid');
    const { id } = await begin(commands('pwd', `echo $$ > ${pid}`, 'sleep 600', 'echo never'));
    await clock.run({ until: start + 100_000 });
    expect((await describeBuild(id)).currentPhase).toBe('BUILD');
    const shell = Number(readFileSync(pid, 'utf8'));
    expect(() => process.kill(shell, 0)).not.toThrow();
    await codebuild.send(new StopBuildCommand({ id }));
    await clock.run({ until: start + 101_000 });
    const build = await describeBuild(id);
    expect([build.buildStatus, seconds(build.endTime)]).toEqual(['STOPPED', 100]);
    expect(phasesOf(build).slice(6)).toEqual(['BUILD STOPPED', 'COMPLETED']);
    expect(() => process.kill(shell, 0)).toThrow('ESRCH');
    expect(written()).toEqual(['/codebuild/output/src']);
  });

  it('a time-out is counted in virtual time from the queue on', async () => {
    const build = await run(commands('sleep 1h'), { timeoutInMinutes: 5 });
    expect([build.buildStatus, seconds(build.endTime)]).toEqual(['TIMED_OUT', 301]);
    expect(failureOf(build)).toEqual({ statusCode: 'BUILD_TIMED_OUT', message: 'Build has timed out. ' });
  });

  it('a process that never pauses is ended, and its build runs into the time-out', async () => {
    service().processLimit = 300;
    const build = await run(commands('while :; do :; done'), { timeoutInMinutes: 6 });
    expect([build.buildStatus, seconds(build.endTime)]).toEqual(['TIMED_OUT', 361]);
  });
});

describe('events', () => {
  it('say when a build begins and ends, in the documented shape', async () => {
    const build = await run(commands('false'));
    const states = bus.events.filter((event) => event['detail-type'] === 'CodeBuild Build State Change');
    expect(states.map(({ detail }) => [detail['build-status'], detail['current-phase']])).toEqual([
      ['IN_PROGRESS', 'SUBMITTED'],
      ['FAILED', 'COMPLETED'],
    ]);
    const context = 'COMMAND_EXECUTION_ERROR: Error while executing command: false. Reason: exit status 1';
    expect(states[1]).toMatchObject({
      source: 'aws.codebuild',
      resources: [build.arn],
      detail: {
        'project-name': 'checks',
        'build-id': build.arn,
        'current-phase-context': `[${context}]`,
        version: '1',
        'additional-information': {
          'build-complete': true,
          'build-number': 1,
          initiator: 'operator',
          'timeout-in-minutes': 60,
          'build-start-time': 'Nov 23, 2026 4:00:00 PM',
          environment: {
            image: 'aws/codebuild/standard:7.0',
            'privileged-mode': false,
            'compute-type': 'BUILD_GENERAL1_SMALL',
            type: 'LINUX_CONTAINER',
            'environment-variables': [],
          },
          logs: { 'group-name': '/aws/codebuild/checks', 'stream-name': build.logs!.streamName },
        },
      },
    });
    const { phases } = states[1]!.detail['additional-information'] as { phases: object[] };
    expect(phases[6]).toEqual({
      'phase-context': [context],
      'start-time': 'Nov 23, 2026 4:00:20 PM',
      'end-time': 'Nov 23, 2026 4:00:30 PM',
      'duration-in-seconds': 10,
      'phase-type': 'BUILD',
      'phase-status': 'FAILED',
    });
    expect(phases[10]).toEqual({ 'start-time': 'Nov 23, 2026 4:00:30 PM', 'phase-type': 'COMPLETED' });
  });

  it('say of each phase how it ended', async () => {
    await run(commands('true'));
    const details = bus.events.filter((event) => event['detail-type'] === 'CodeBuild Build Phase Change').map(({ detail }) => detail);
    expect(details.map((detail) => detail['completed-phase'])).toEqual([
      'SUBMITTED',
      'QUEUED',
      'PROVISIONING',
      'DOWNLOAD_SOURCE',
      'INSTALL',
      'PRE_BUILD',
      'BUILD',
      'POST_BUILD',
      'UPLOAD_ARTIFACTS',
      'FINALIZING',
    ]);
    expect(details[6]).toMatchObject({
      'completed-phase-status': 'SUCCEEDED',
      'completed-phase-context': '[: ]',
      'completed-phase-duration-seconds': 10,
      'completed-phase-start': 'Nov 23, 2026 4:00:20 PM',
      'completed-phase-end': 'Nov 23, 2026 4:00:30 PM',
    });
  });

  it('are the same for the same seed', async () => {
    await run({ phases: { build: { commands: ['pwd', 'sleep 3', 'echo $CODEBUILD_BUILD_ID'] } } });
    const first = JSON.stringify([bus.events, logs.lines]);
    const again = new VirtualClock(start);
    const before = { clock, world };
    bus = new Bus();
    logs = logsDouble();
    clock = again;
    world = new World(clock, { codebuild: (site) => new Codebuild(site), events: () => bus, logs: () => logs.service }, 7);
    const people = identities(world, account);
    people.createRole({ name: 'builds', trust: trusts('codebuild.amazonaws.com') }).inline.set('logs', allows('logs:*'));
    codebuild = new CodeBuildClient(
      clientConfig(world, { region, credentials: people.user('operator', { all: allows(['codebuild:*', 'iam:PassRole']) }) }),
    );
    await run({ phases: { build: { commands: ['pwd', 'sleep 3', 'echo $CODEBUILD_BUILD_ID'] } } });
    expect(JSON.stringify([bus.events, logs.lines])).toBe(first);
    expect(before.world).not.toBe(world);
  });
});

describe('rights', () => {
  it('a build whose role may not write logs fails at once and says so', async () => {
    identities(world, account).role(role).inline.set('logs', allows('ssm:GetParameters'));
    const build = await run(commands('echo never'));
    expect(phasesOf(build)).toEqual(['SUBMITTED FAILED', 'COMPLETED']);
    expect(failureOf(build)).toEqual({
      statusCode: 'ACCESS_DENIED',
      message: expect.stringMatching(
        /^Service role arn:aws:iam::111122223333:role\/builds does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for build .* is not authorized to perform: logs:CreateLogStream/,
      ),
    });
    expect(world.meter.total('codebuild.minute')).toBe(0);
  });

  it('a role that does not trust CodeBuild is no service role', async () => {
    const { arn } = identities(world, account).createRole({ name: 'wrong', trust: trusts('lambda.amazonaws.com') });
    await expect(codebuild.send(new CreateProjectCommand(project(commands('ls'), { serviceRole: arn })))).rejects.toMatchObject({
      name: 'InvalidInputException',
      message: `CodeBuild is not authorized to perform: sts:AssumeRole on ${arn}`,
    });
  });

  it('StartBuild is a matter of the project', async () => {
    await codebuild.send(new CreateProjectCommand(project(commands('ls'))));
    const credentials = identities(world, account).user('visitor', {
      one: allows('codebuild:StartBuild', `arn:aws:codebuild:${region}:${account}:project/other`),
    });
    const visitor = new CodeBuildClient(clientConfig(world, { region, credentials }));
    await expect(visitor.send(new StartBuildCommand({ projectName: 'checks' }))).rejects.toThrow(
      `not authorized to perform: codebuild:StartBuild on resource: arn:aws:codebuild:${region}:${account}:project/checks`,
    );
  });
});

describe('projects and their builds', () => {
  it('a token starts one build in five minutes', async () => {
    const first = await begin(commands('true'), {}, { idempotencyToken: 't' });
    const again = () => codebuild.send(new StartBuildCommand({ projectName: 'checks', idempotencyToken: 't' }));
    expect((await again()).build!.id).toBe(first.id);
    await expect(
      codebuild.send(new StartBuildCommand({ projectName: 'checks', idempotencyToken: 't', sourceVersion: 'x' })),
    ).rejects.toMatchObject({
      name: 'InvalidInputException',
    });
    await clock.run({ until: start + 5 * 60_000 });
    const later = (await again()).build!;
    expect(later.id).not.toBe(first.id);
    const { ids } = await codebuild.send(new ListBuildsForProjectCommand({ projectName: 'checks' }));
    expect(ids).toEqual([later.id, first.id]);
    await clock.run();
  });

  it('a build over the limit of the project is refused until another has ended', async () => {
    await begin(commands('true'), { concurrentBuildLimit: 1 });
    const another = () => codebuild.send(new StartBuildCommand({ projectName: 'checks' }));
    await expect(another()).rejects.toMatchObject({ name: 'AccountLimitExceededException' });
    await clock.run();
    await another();
    await clock.run();
    expect(world.meter.total('codebuild.build')).toBe(2);
  });

  it('a buildspec may be given for one build', async () => {
    await run(
      commands('echo project'),
      {},
      { buildspecOverride: 'version: 0.2\nphases:\n  build:\n    commands:\n      - echo override\n' },
    );
    expect(written()).toEqual(['override']);
  });

  it.each([
    [{ source: { type: 'GITHUB', location: 'https://github.com/acme/orders' } }, 'sources of type GITHUB'],
    [{ artifacts: { type: 'S3', location: 'bucket' } }, 'artifacts of type S3'],
    [
      { timeoutInMinutes: 4 },
      "Value '4' at 'timeoutInMinutes' failed to satisfy constraint: Member must have value greater than or equal to 5",
    ],
  ] as const)('what local AWS does not do is refused: %o', async (settings, why) => {
    await expect(
      codebuild.send(new CreateProjectCommand(project(commands('ls'), settings as Partial<CreateProjectCommandInput>))),
    ).rejects.toThrow(why);
  });

  it('come from CloudFormation with an inline buildspec', async () => {
    const site = world.site(account, region);
    const context = { site, stackName: 'Stack', logicalId: 'Checks', generatedName: 'Stack-Checks-1A2B', asset: () => '' };
    const properties = {
      Source: { Type: 'NO_SOURCE', BuildSpec: JSON.stringify({ version: '0.2', ...commands('echo "$STAGE"') }) },
      Artifacts: { Type: 'NO_ARTIFACTS' },
      Environment: {
        Type: 'LINUX_CONTAINER',
        ComputeType: 'BUILD_GENERAL1_SMALL',
        Image: 'aws/codebuild/standard:7.0',
        EnvironmentVariables: [{ Name: 'STAGE', Value: 'beta', Type: 'PLAINTEXT' }],
      },
      ServiceRole: role,
      TimeoutInMinutes: '15',
      LogsConfig: { CloudWatchLogs: { Status: 'ENABLED', GroupName: '/checks', StreamName: 'runs' } },
    };
    const type = service().resources['AWS::CodeBuild::Project']!;
    const created = await type.create(properties, context);
    expect(created).toEqual({
      ref: 'Stack-Checks-1A2B',
      attributes: { Arn: `arn:aws:codebuild:${region}:${account}:project/Stack-Checks-1A2B`, Id: 'Stack-Checks-1A2B' },
    });
    const { build } = await codebuild.send(new StartBuildCommand({ projectName: created.ref }));
    await clock.run();
    expect(written()).toEqual(['beta']);
    expect((await describeBuild(build!.id)).logs).toMatchObject({ groupName: '/checks', streamName: `runs/${build!.id!.split(':')[1]}` });
    await type.update!({ ...properties, TimeoutInMinutes: 20 }, created, context);
    const { projects } = await codebuild.send(new BatchGetProjectsCommand({ names: [created.ref] }));
    expect(projects![0]!.timeoutInMinutes).toBe(20);
    expect(() => type.create({ ...properties, Name: 'other', Source: { ...properties.Source, Auth: {} } }, context)).toThrow(
      'does not know Source.Auth',
    );
    await type.delete!(created, context);
    expect((await codebuild.send(new BatchGetProjectsCommand({ names: [created.ref] }))).projectsNotFound).toEqual([created.ref]);
  });
});
