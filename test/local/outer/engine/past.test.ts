/** Tasks whose containers run outside, as the world hears of them: now, and when a data folder is played again. No engine is needed. */
import { DescribeTasksCommand, RunTaskCommand } from '@aws-sdk/client-ecs';
import { DescribeTargetHealthCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, it } from 'vitest';
import { EngineContainers } from '../../../../local/outer/engine/engine.ts';
import { build, cluster, registry, seconds } from '../../services/ecs/lab.ts';

const IMAGE = 'registry.example.com/orders:1';

async function open() {
  const lab = await build();
  const containers = new EngineContainers(lab.site);
  lab.site.service('ecs').lives.runtime = containers;
  const networkConfiguration = { awsvpcConfiguration: { subnets: ['subnet-1'] } };
  /** Runs a task up to where its images are fetched. */
  const runTask = async (more: object = {}) => {
    const taskDefinition = await lab.register(IMAGE, more);
    const { tasks = [] } = await lab.ecs.send(new RunTaskCommand({ cluster, taskDefinition, launchType: 'FARGATE', networkConfiguration }));
    await lab.pass(10 * seconds);
    return tasks[0]!.taskArn!;
  };
  const task = async (arn: string) => (await lab.ecs.send(new DescribeTasksCommand({ cluster, tasks: [arn] }))).tasks![0]!;
  return { ...lab, containers, runTask, task };
}

describe('a task whose containers run outside', () => {
  it('has the states, the exit code and the log that were reported, and the moments at which they were', async () => {
    const { containers, runTask, task: shown, clock, pass, logs } = await open();
    const task = await runTask();
    expect(await shown(task)).toMatchObject({ lastStatus: 'PENDING' });
    containers.apply({ task, what: 'pulled' });
    containers.apply({ task, what: 'started', container: 'web', runtimeId: 'abc-1' });
    const startedAt = new Date(clock.now());
    expect(await shown(task)).toMatchObject({ lastStatus: 'RUNNING', startedAt, containers: [{ runtimeId: 'abc-1' }] });
    await pass(90 * seconds);
    containers.apply({ task, what: 'said', container: 'web', lines: ['no such table: orders'] });
    containers.apply({ task, what: 'exited', container: 'web', code: 3 });
    expect(await shown(task)).toMatchObject({ lastStatus: 'STOPPING' });
    containers.apply({ task, what: 'ended' });
    await pass(10 * seconds);
    expect(await shown(task)).toMatchObject({
      lastStatus: 'STOPPED',
      stopCode: 'EssentialContainerExited',
      containers: [{ exitCode: 3, lastStatus: 'STOPPED' }],
    });
    expect(logs.lines).toEqual(['no such table: orders']);
  });

  it('says in AWS’s words why it did not start', async () => {
    const { containers, runTask, task: shown, pass } = await open();
    const task = await runTask();
    const reason = 'CannotPullContainerError: Error response from daemon: manifest unknown';
    containers.apply({ task, what: 'failed', reason });
    containers.apply({ task, what: 'ended' });
    await pass(10 * seconds);
    expect(await shown(task)).toMatchObject({ stopCode: 'TaskFailedToStart', stoppedReason: reason, containers: [{ reason }] });
  });

  it('is not RUNNING before all its containers have started, and goes on without one that is not essential', async () => {
    const { containers, runTask, task: shown, definition } = await open();
    const [web] = definition(IMAGE).containerDefinitions!;
    const task = await runTask({ containerDefinitions: [web, { name: 'init', image: 'registry.example.com/init:1', essential: false }] });
    containers.apply({ task, what: 'pulled' });
    containers.apply({ task, what: 'started', container: 'init', runtimeId: 'abc-1' });
    containers.apply({ task, what: 'exited', container: 'init', code: 0 });
    expect(await shown(task)).toMatchObject({ lastStatus: 'PENDING' });
    containers.apply({ task, what: 'started', container: 'web', runtimeId: 'abc-2' });
    expect(await shown(task)).toMatchObject({ lastStatus: 'RUNNING' });
  });
});

describe('a task whose images were fetched before local AWS was stopped', () => {
  it.each([
    ['and whose containers were about to start', false],
    ['and whose containers ran', true],
  ])('%s, has them fetched again before its containers are made', async (_, ran) => {
    const { containers, balancer, group, lead, create, pass, push, register, site } = await open();
    const { listenerArn } = await balancer();
    const targetGroupArn = await group();
    await lead(listenerArn, targetGroupArn);
    const digest = await push('1');
    await create(await register(`${registry}/orders@${digest}`), {
      desiredCount: 1,
      loadBalancers: [{ targetGroupArn, containerName: 'web', containerPort: 8080 }],
    });
    await pass(10 * seconds);
    const [task = ''] = [...site.service('ecs').tasks.keys()];
    containers.apply({ task, what: 'pulled' });
    if (ran) {
      await pass(10 * seconds);
      containers.apply({ task, what: 'started', container: 'web', runtimeId: 'abc-1' });
    }
    const docker = new Recorder();
    const settings = { docker, folder: 'test', architecture: 'amd64', registry: '127.0.0.1:1' };
    await containers.live(settings as never, { enter: (report) => containers.apply(report), remember: () => undefined });
    await pass(10 * seconds);
    const image = `127.0.0.1:1/orders@${digest}`;
    await expect.poll(() => docker.about(image)).toEqual(['pull', 'create']);
    await containers.close();
  });
});

/** An engine in which everything works, and that remembers what it was told. */
class Recorder {
  private readonly told: (readonly string[])[] = [];
  private readonly outcome = { code: 0, stdout: '', stderr: '' };

  readonly run = (words: readonly string[]) => {
    this.told.push(words);
    return Promise.resolve(this.outcome);
  };

  readonly now = this.run;

  /** A log that goes on. */
  follow() {
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    return { ended, end };
  }

  /** The first words of what was said of something. */
  about(what: string): string[] {
    return this.told.filter((words) => words.includes(what)).map(([verb = '']) => verb);
  }
}

describe('a target whose container runs outside', () => {
  it('is what probes outside found, and answers those within as it did before, after the same time', async () => {
    const { containers, balancer, group, lead, create, elb, clock, pass, get, push, register, site } = await open();
    const { host, listenerArn } = await balancer();
    const targetGroupArn = await group();
    await lead(listenerArn, targetGroupArn);
    const digest = await push('1');
    await create(await register(`${registry}/orders@${digest}`), {
      desiredCount: 1,
      loadBalancers: [{ targetGroupArn, containerName: 'web', containerPort: 8080 }],
    });
    await pass(10 * seconds);
    const [task = ''] = [...site.service('ecs').tasks.keys()];
    containers.apply({ task, what: 'pulled' });
    await pass(seconds);
    containers.apply({ task, what: 'started', container: 'web', runtimeId: 'abc-1' });
    await pass(60 * seconds);
    const health = async () =>
      (await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: targetGroupArn }))).TargetHealthDescriptions![0]!.TargetHealth;
    expect(await health()).toMatchObject({ State: 'initial' });
    containers.apply({ task, what: 'probed', targetGroupArn, port: 8080, state: 'healthy' });
    expect(await health()).toMatchObject({ State: 'healthy' });

    const ask = () => get(host, '/orders/1');
    const body = Buffer.from('two').toString('base64');
    containers.recall({ question: `GET ${host}/orders/1? #2`, took: 1500, answer: { status: 201, headers: {}, body } });
    // It may be a real millisecond before nobody answers, which is one of the clock's.
    const nobody = ask();
    await pass(seconds);
    expect((await nobody).status).toBe(502);
    const before = clock.now();
    const answer = ask();
    await clock.run({ until: before + 1000 });
    await clock.run({ until: before + 2000 });
    expect(await answer).toMatchObject({ status: 201, body: new Uint8Array(Buffer.from('two')) });

    containers.apply({ task, what: 'probed', targetGroupArn, port: 8080, state: 'unhealthy', failure: 500 });
    await pass(seconds);
    expect(site.service('ecs').tasks.get(task)!.stoppedReason).toContain('Task failed ELB health checks');
  });
});
