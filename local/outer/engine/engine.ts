/** The containers of tasks in an engine of this machine. What it does there the world hears as from outside, and a data folder keeps it. */
import { randomBytes } from 'node:crypto';
import { bound } from '../../core/bound.ts';
import { ConnectionError, type HttpRequest, type HttpResponse } from '../../core/http.ts';
import type { Site } from '../../core/site.ts';
import { issueToken } from '../../services/ecr/tokens.ts';
import type { ContainerRuntime, ContainerSource, TaskReports } from '../../services/ecs/runtime.ts';
import type { Task, TaskContainer } from '../../services/ecs/task.ts';
import { FOLDER_LABEL } from './container.ts';
import type { Docker } from './docker.ts';
import { forward } from './forward.ts';
import { makePause } from './pause.ts';
import { probeTarget } from './probes.ts';
import type { Heard, Report } from './reports.ts';
import { type Surroundings, TaskRun } from './run.ts';

/** What an engine needs of the outside of a world. */
export interface EngineDoor {
  /** Lets a report in, at the present: remembers it and hands it to {@link EngineContainers.apply}. */
  enter(report: Report): void;
  /** Remembers what a container answered to somebody within. */
  remember(heard: Heard): void;
}

/** Whom the containers belong to, and where they are pulled from. */
export interface EngineSettings {
  readonly docker: Docker;
  /** A label that no other local AWS has: what carries it is removed before it begins. */
  readonly folder: string;
  /** As the engine names platforms: `amd64`. */
  readonly architecture: string;
  /** `127.0.0.1:<port>` */
  readonly registry: string;
}

/** A task that somebody wants containers for. */
interface Wanted {
  readonly task: Task;
  readonly sources: readonly ContainerSource[];
  readonly started: Set<string>;
  readonly exited: Map<string, number>;
  phase: 'pull' | 'pulled' | 'start' | 'stop';
  /** It is registered there. */
  readonly targets: { readonly targetGroupArn: string; readonly port: number }[];
  run?: TaskRun;
}

/** The end of a container that nobody ended: local AWS was stopped while it ran. */
const LOST = { code: 137, reason: 'local AWS was stopped while the container ran' };

/**
 * In the past, while a data folder is played again, it starts nothing: reports come as they came. From {@link EngineContainers.live}
 * on it makes true what is wanted then.
 */
export class EngineContainers implements ContainerRuntime {
  private readonly site: Site;
  private readonly reports: TaskReports;
  /** By the ARN of the task. */
  private readonly wanted = new Map<string, Wanted>();
  private readonly heard = new Map<string, Heard>();
  private readonly asked = new Map<string, number>();
  private readonly over = new AbortController();
  private present: (EngineSettings & { readonly door: EngineDoor; readonly around: Surroundings }) | undefined;

  constructor(site: Site) {
    this.site = site;
    this.reports = site.service('ecs').lives;
  }

  /** What is known already of answers to those within. */
  recall(heard: Heard): void {
    this.heard.set(heard.question, heard);
  }

  // ---- what ECS asks for

  pull(task: Task, sources: readonly ContainerSource[]): void {
    const wanted: Wanted = { task, sources, started: new Set(), exited: new Map(), phase: 'pull', targets: [] };
    this.wanted.set(task.settings.arn, wanted);
    this.runOf(wanted)?.pull();
  }

  start(task: Task): void {
    const wanted = this.wanted.get(task.settings.arn);
    if (wanted === undefined) return;
    wanted.phase = 'start';
    wanted.run?.start();
  }

  stop(task: Task): void {
    const wanted = this.wanted.get(task.settings.arn);
    if (wanted === undefined) {
      task.after(this.site.world.clock, 0, 'has no containers', bound(this.reports, this.reports.ended, task));
      return;
    }
    wanted.phase = 'stop';
    void wanted.run?.stop();
  }

  firstWords(): readonly string[] {
    return [];
  }

  target(task: Task, _container: TaskContainer, port: number) {
    const wanted = this.wanted.get(task.settings.arn);
    return {
      isProbedOutside: true,
      startsHealthyAt: this.site.world.clock.now(),
      respond: (request: HttpRequest) => this.answer(wanted, port, request),
    };
  }

  // ---- what the world hears

  /** Takes a report, now or again. */
  apply(report: Report): void {
    const wanted = this.wanted.get(report.task);
    if (wanted === undefined) return;
    const { task } = wanted;
    const container = 'container' in report ? task.containers.find(({ definition }) => definition.name === report.container) : undefined;
    switch (report.what) {
      case 'pulled':
        wanted.phase = 'pulled';
        this.reports.pulled(task);
        break;
      case 'failed':
        this.reports.failed(task, report.reason, container);
        break;
      case 'started':
        wanted.started.add(report.container);
        this.reports.started(task, container!, report.runtimeId);
        if (task.lastStatus === 'RUNNING' && !task.answers) this.reports.answers(task);
        break;
      case 'exited':
        wanted.exited.set(report.container, report.code);
        this.reports.exited(task, container!, report.code, report.reason);
        break;
      case 'health':
        this.reports.health(task, container!, report.health);
        break;
      case 'said':
        this.reports.said(task, container!, report.lines);
        break;
      case 'probed':
        this.site
          .service('elasticloadbalancing')
          .probed(report.targetGroupArn, task.settings.ip, report.port, report.state, report.failure);
        break;
      case 'ended':
        this.wanted.delete(report.task);
        this.reports.ended(task);
    }
    if (wanted.phase === 'start' || wanted.phase === 'pulled') this.probe(wanted);
  }

  /** Somebody asks a container through a load balancer. Who asks from within gets the same answer when it is played again, after the same time. */
  private async answer(wanted: Wanted | undefined, port: number, request: HttpRequest): Promise<HttpResponse> {
    const lost = () => new ConnectionError('ECONNREFUSED', `${wanted?.task.settings.ip}:${port}`);
    const ask = async (): Promise<HttpResponse> => {
      const outside = wanted?.run?.ports.get(port);
      if (outside === undefined) throw lost();
      return await forward(outside, request, { signal: this.over.signal });
    };
    if (request.received !== undefined) return await ask();
    const { clock } = this.site.world;
    const text = `${request.method} ${request.host}${request.path}?${request.query}`;
    const number = (this.asked.get(text) ?? 0) + 1;
    this.asked.set(text, number);
    const question = `${text} #${number}`;
    const known = this.heard.get(question);
    const heard = known ?? (await clock.hold(this.listen(question, ask)));
    if (known === undefined) this.present?.door.remember(heard);
    // It took its time, and whoever asked may have given up meanwhile.
    if (heard.took > 0) await new Promise<void>((resolve) => clock.after(heard.took, 'a container answers', resolve));
    if (heard.answer === undefined) throw lost();
    return { ...heard.answer, body: new Uint8Array(Buffer.from(heard.answer.body, 'base64')) };
  }

  private async listen(question: string, ask: () => Promise<HttpResponse>): Promise<Heard> {
    const begun = performance.now();
    const took = () => Math.round(performance.now() - begun);
    try {
      const answer = await ask();
      return { question, took: took(), answer: { ...answer, body: Buffer.from(answer.body).toString('base64') } };
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      return { question, took: took() };
    }
  }

  // ---- the engine

  /**
   * From now on containers run: removes what an earlier run left, and starts what is wanted now. A task of a service starts its
   * containers again, and ECS notices nothing; a job is not run a second time, it ends as one whose containers were killed.
   * @throws EngineError
   */
  async live(settings: EngineSettings, door: EngineDoor): Promise<{ readonly restarted: number; readonly lost: number }> {
    await removeLeftovers(settings);
    const around: Surroundings = {
      ...settings,
      pause: await makePause(settings.docker, settings.architecture, settings.folder),
      region: this.site.region,
      images: new Set(),
      password: ({ ecr }) => {
        const owner = ecr?.principal ?? this.site.service('iam').rootPrincipal();
        return issueToken(this.site.world, owner, randomBytes(32).toString('base64')).password;
      },
    };
    this.present = { ...settings, door, around };
    let restarted = 0;
    let lost = 0;
    for (const wanted of [...this.wanted.values()]) {
      const run = this.runOf(wanted)!;
      const { settings, lastStatus } = wanted.task;
      const died = () => {
        for (const container of wanted.started)
          if (!wanted.exited.has(container)) door.enter({ task: settings.arn, what: 'exited', container, ...LOST });
      };
      if (wanted.phase === 'pull') run.pull();
      else if (wanted.phase === 'start' && settings.owner === undefined && wanted.started.size > 0) {
        lost++;
        died();
      } else if (wanted.phase === 'start') {
        if (lastStatus === 'RUNNING') restarted++;
        run.start();
      } else if (wanted.phase === 'stop') {
        died();
        void run.stop();
      }
      this.probe(wanted);
    }
    return { restarted, lost };
  }

  /** Nothing more is told, and whoever waits for a container waits no longer. To be followed by {@link close}. */
  hush(): void {
    this.over.abort();
  }

  /** Removes all its containers, and the images that they were made from. */
  async close(): Promise<void> {
    this.hush();
    if (this.present === undefined) return;
    const { docker, around } = this.present;
    await Promise.all([...this.wanted.values()].flatMap(({ run }) => (run ? [run.remove()] : [])));
    await removeLeftovers(this.present);
    if (around.images.size > 0) await docker.run(['rmi', ...around.images]);
  }

  private runOf(wanted: Wanted): TaskRun | undefined {
    if (this.present === undefined || this.over.signal.aborted) return undefined;
    const { door, around } = this.present;
    const { arn: task } = wanted.task.settings;
    // What had exited before is not started again: jobs of a task that came first, for one.
    wanted.run ??= new TaskRun(around, wanted.task, wanted.sources, wanted.exited, (report) => {
      if (!this.over.signal.aborted) door.enter({ task, ...report } as Report);
    });
    return wanted.run;
  }

  /** Asks it how it is, in the name of every load balancer that it is registered at and that nobody asks for yet. */
  private probe(wanted: Wanted): void {
    const { task, run, targets } = wanted;
    if (run === undefined || this.present === undefined) return;
    const { door } = this.present;
    for (const { targetGroupArn, port, isRefused } of task.targets) {
      if (isRefused || targets.some((one) => one.targetGroupArn === targetGroupArn && one.port === port)) continue;
      targets.push({ targetGroupArn, port });
      void probeTarget(
        this.site.service('elasticloadbalancing'),
        { targetGroupArn, id: task.settings.ip, port },
        () => run.ports.get(port),
        (state, failure) =>
          door.enter({
            task: task.settings.arn,
            what: 'probed',
            targetGroupArn,
            port,
            state,
            ...(failure === undefined ? {} : { failure }),
          }),
        AbortSignal.any([run.ended, this.over.signal]),
      );
    }
  }
}

/** Removes containers, volumes and images that an earlier run of the same folder left, as after a crash. */
async function removeLeftovers({ docker, folder }: Pick<EngineSettings, 'docker' | 'folder'>): Promise<void> {
  const filter = ['--filter', `label=${FOLDER_LABEL}=${folder}`];
  const listed = async (words: readonly string[]) => (await docker.run(words)).stdout.split('\n').filter((line) => line !== '');
  const found = await listed(['ps', '--all', ...filter, '--format', '{{.ID}} {{.Names}} {{.Image}}']);
  const containers = found.map((line) => line.split(' '));
  const [networks, others] = [true, false].map((is) =>
    containers.filter(([, name = '']) => name.includes('-internalecspause-') === is).map(([id = '']) => id),
  );
  // Those that hold a network go last: others depend on them.
  for (const ids of [others!, networks!]) if (ids.length > 0) await docker.run(['rm', '--force', '--volumes', ...ids]);
  const volumes = await listed(['volume', 'ls', '--quiet', ...filter]);
  if (volumes.length > 0) await docker.run(['volume', 'rm', '--force', ...volumes]);
  const own = await listed(['images', ...filter, '--format', '{{.Repository}}:{{.Tag}}']);
  const images = new Set([...own, ...containers.map(([, , image = '']) => image).filter((image) => /^127\.0\.0\.1:\d+\//.test(image))]);
  if (images.size > 0) await docker.run(['rmi', ...images]);
}
