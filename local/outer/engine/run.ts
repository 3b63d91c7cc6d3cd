/** One task in the engine: its images, its network, its containers in the order of their dependencies, their logs and their end. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerSource } from '../../services/ecs/runtime.ts';
import type { Task } from '../../services/ecs/task.ts';
import { CannotCreate, createWords, environmentOf, imageOf, labelsOf, labelWords, nameOf, platformOf, volumesOf } from './container.ts';
import { type Docker, type Outcome, reasonOf } from './docker.ts';
import { checkHealth, passed } from './health.ts';
import type { Report } from './reports.ts';

/** What a task in the engine needs to know of where it is. */
export interface Surroundings {
  readonly docker: Docker;
  /** Whose containers these are: a label. */
  readonly folder: string;
  /** The image of the container that holds a task's network. */
  readonly pause: string;
  readonly region: string;
  /** `127.0.0.1:<port>` */
  readonly registry: string;
  /** A password of the registry for whoever pulls. */
  password(source: ContainerSource): string;
  /** Images that were pulled from the registry. */
  readonly images: Set<string>;
}

type Told = (report: Report extends infer One ? (One extends { readonly task: string } ? Omit<One, 'task'> : never) : never) => void;

interface Running {
  readonly source: ContainerSource;
  readonly name: string;
  state: 'waiting' | 'starting' | 'running' | 'exited';
  healthy?: boolean;
  code?: number;
}

/** "If a stopTimeout value is not specified, the default value of 30 seconds is used" on Fargate. Seconds. */
const STOP_TIMEOUT = 30;
/** How long lines of a log are collected, in milliseconds. */
const COLLECTS = 300;

export class TaskRun {
  /** Ports on this machine by those of the containers. */
  readonly ports = new Map<number, number>();
  private readonly around: Surroundings;
  private readonly task: Task;
  private readonly containers: readonly Running[];
  private readonly told: Told;
  private readonly over = new AbortController();
  /** Breaks off what is being fetched. */
  private readonly unwanted = new AbortController();
  private readonly network: string;
  private volumes: readonly string[] = [];
  private isStopping = false;
  private hasImages = false;
  private work: Promise<void> = Promise.resolve();

  /** @param done containers that have exited before, which are not started again */
  constructor(around: Surroundings, task: Task, sources: readonly ContainerSource[], done: ReadonlyMap<string, number>, told: Told) {
    this.around = around;
    this.task = task;
    this.told = told;
    this.network = nameOf(task, 'internalecspause');
    this.containers = sources.map((source) => {
      const name = source.container.definition.name!;
      const code = done.get(name);
      return code === undefined ? { source, name, state: 'waiting' } : { source, name, state: 'exited', code };
    });
  }

  get ended(): AbortSignal {
    return this.over.signal;
  }

  /** Fetches all images. */
  pull(): void {
    this.next(async () => {
      const failure = await this.pullAll();
      if (this.isStopping) return;
      if (failure === undefined) this.told({ what: 'pulled' });
      else this.told({ what: 'failed', reason: failure });
    });
  }

  /** @returns why not */
  private async pullAll(): Promise<string | undefined> {
    const failures = await Promise.all(this.containers.map((one) => this.pullOne(one.source)));
    const failure = failures.find((one) => one !== undefined);
    this.hasImages = failure === undefined;
    return failure;
  }

  /** @returns why not */
  private async pullOne(source: ContainerSource): Promise<string | undefined> {
    const { docker, registry, images } = this.around;
    const image = imageOf(source, registry);
    const words = ['pull', '--quiet', '--platform', platformOf(this.task), '--', image];
    if (source.ecr === undefined) {
      const pulled = await docker.run(words, { signal: this.unwanted.signal });
      // As ECS's agent does by default: "if the pull fails, the cached image is used".
      if (pulled.code === 0 || (await docker.run(['image', 'inspect', image])).code === 0) return undefined;
      return `CannotPullContainerError: ${reasonOf(pulled)}`;
    }
    const config = mkdtempSync(join(tmpdir(), 'local-aws-pull-'));
    try {
      await this.configure(config, source);
      const pulled = await docker.run(words, { config, signal: this.unwanted.signal });
      images.add(image);
      return pulled.code === 0 ? undefined : `CannotPullContainerError: ${reasonOf(pulled).replaceAll(image, source.container.image)}`;
    } finally {
      rmSync(config, { recursive: true, force: true });
    }
  }

  /** A configuration of `docker` that knows the registry's password, and where the engine is if a context says so. */
  private async configure(folder: string, source: ContainerSource): Promise<void> {
    const auth = Buffer.from(`AWS:${this.around.password(source)}`).toString('base64');
    const { userConfiguration } = await import('./configuration.ts');
    userConfiguration(folder, { [this.around.registry]: { auth } });
  }

  /** Starts what can start, now and whenever a dependency has come true. Images that an earlier run had fetched are gone, and fetched first. */
  start(): void {
    this.next(async () => {
      const missing = this.hasImages ? undefined : await this.pullAll();
      if (this.isStopping) return;
      const failure = missing ?? (await this.makeNetwork());
      if (failure !== undefined) return this.told({ what: 'failed', reason: failure });
      await this.advance();
    });
  }

  private next(work: () => Promise<void>): void {
    this.work = this.work.then(async () => {
      if (!this.isStopping) await work();
    });
    this.work.catch((error: unknown) => this.told({ what: 'failed', reason: `CannotStartContainerError: ${String(error)}` }));
  }

  /** @returns why not */
  private async makeNetwork(): Promise<string | undefined> {
    const { docker, folder, pause } = this.around;
    const wanted = new Set<string>();
    for (const { source } of this.containers)
      for (const { containerPort, protocol = 'tcp' } of source.container.definition.portMappings ?? [])
        wanted.add(`${containerPort}/${protocol}`);
    const ports = [...wanted].flatMap((port) => ['--publish', `127.0.0.1::${port}`]);
    const labels = labelWords(labelsOf(folder, this.task, 'internalecspause'));
    const failure = (found: Outcome) => `ResourceInitializationError: unable to set up the network of the task: ${reasonOf(found)}`;
    const created = await docker.run(['create', '--name', this.network, ...labels, ...ports, pause]);
    if (created.code !== 0) return failure(created);
    const started = await docker.run(['start', this.network]);
    if (started.code !== 0) return failure(started);
    const found = await docker.run(['port', this.network]);
    for (const line of found.stdout.split('\n')) {
      const [, inside, outside] = /^(\d+)\/tcp -> 127\.0\.0\.1:(\d+)$/.exec(line.trim()) ?? [];
      if (inside !== undefined) this.ports.set(Number(inside), Number(outside));
    }
    try {
      const volumes = [...volumesOf(this.task).values()];
      for (const volume of volumes) await docker.run(['volume', 'create', ...labelWords(labelsOf(folder, this.task, 'volume')), volume]);
      this.volumes = volumes;
    } catch (error) {
      if (!(error instanceof CannotCreate)) throw error;
      return `CannotCreateContainerError: ${error.message}`;
    }
    return undefined;
  }

  /** Starts every container whose dependencies hold. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html */
  private async advance(): Promise<void> {
    for (const one of this.containers) {
      if (this.isStopping) return;
      if (one.state !== 'waiting') continue;
      const open = (one.source.container.definition.dependsOn ?? []).map(({ containerName, condition }) =>
        this.dependency(this.containers.find(({ name }) => name === containerName)!, condition ?? 'START'),
      );
      const never = open.find((state) => typeof state === 'object');
      if (typeof never === 'object') {
        this.told({
          what: 'failed',
          container: one.name,
          reason: `dependency graph: failed to resolve container ordering dependency [${never.name}] for target [${one.name}] as dependency did not exit successfully`,
        });
        return;
      }
      if (open.every((state) => state === 'holds')) {
        one.state = 'starting';
        await this.startOne(one);
        // What has started may be what an earlier one waits for.
        return await this.advance();
      }
    }
  }

  private dependency(one: Running, condition: string): 'holds' | 'open' | Running {
    switch (condition) {
      case 'HEALTHY':
        return one.healthy === true ? 'holds' : one.state === 'exited' || one.healthy === false ? one : 'open';
      case 'COMPLETE':
        return one.state === 'exited' ? 'holds' : 'open';
      case 'SUCCESS':
        return one.state !== 'exited' ? 'open' : one.code === 0 ? 'holds' : one;
      default:
        return one.state === 'running' || one.state === 'exited' ? 'holds' : 'open';
    }
  }

  private async startOne(one: Running): Promise<void> {
    const { docker, folder, registry, region } = this.around;
    const files = mkdtempSync(join(tmpdir(), 'local-aws-task-'));
    chmodSync(files, 0o700);
    const fail = (what: string, reason: string) => {
      one.state = 'exited';
      if (!this.isStopping) this.told({ what: 'failed', container: one.name, reason: `${what}: ${reason}` });
    };
    try {
      const environmentFile = join(files, 'environment');
      // A file cannot hold values of more than one line. On the command line everybody could read them; in its environment nobody else can.
      const variables = Object.entries(environmentOf(this.task, one.source, region));
      const isLong = ([, value]: [string, string]) => /[\r\n]/.test(value);
      const lines = variables.filter((pair) => !isLong(pair)).map(([name, value]) => `${name}=${value}\n`);
      writeFileSync(environmentFile, lines.join(''), { mode: 0o600 });
      const long = variables.filter(isLong);
      const own = long.find(([name]) => /^(PATH|HOME|DOCKER_.*)$/.test(name));
      if (own) throw new CannotCreate(`container ${one.name}: ${own[0]} has more than one line, and docker reads it itself`);
      const more = long.flatMap(([name]) => ['--env', name]);
      const place = { folder, image: imageOf(one.source, registry), network: this.network, environmentFile };
      const created = await docker.run(['create', ...more, ...createWords(this.task, one.source, place)], {
        env: Object.fromEntries(long),
      });
      if (created.code !== 0) return fail('CannotCreateContainerError', reasonOf(created));
    } catch (error) {
      if (!(error instanceof CannotCreate)) throw error;
      return fail('CannotCreateContainerError', error.message);
    } finally {
      rmSync(files, { recursive: true, force: true });
    }
    const id = nameOf(this.task, one.name);
    const started = await docker.run(['start', id]);
    if (started.code !== 0) return fail('CannotStartContainerError', reasonOf(started));
    one.state = 'running';
    const inspected = await docker.run(['inspect', '--format', '{{.Id}}', id]);
    this.told({ what: 'started', container: one.name, runtimeId: `${this.task.settings.id}-${inspected.stdout.slice(0, 10)}` });
    void this.watch(one, id);
    const { definition } = one.source.container;
    void checkHealth(docker, id, definition, (health) => this.checked(one, health), this.over.signal);
  }

  private checked(one: Running, health: 'HEALTHY' | 'UNHEALTHY'): void {
    if (one.state !== 'running' || one.healthy === (health === 'HEALTHY')) return;
    one.healthy = health === 'HEALTHY';
    this.told({ what: 'health', container: one.name, health });
    this.next(() => this.advance());
  }

  /** Reads its log until it has exited, and says how. */
  private async watch(one: Running, id: string): Promise<void> {
    const { docker } = this.around;
    let lines: string[] = [];
    let timer: NodeJS.Timeout | undefined;
    const flush = () => {
      clearTimeout(timer);
      timer = undefined;
      if (lines.length > 0) this.told({ what: 'said', container: one.name, lines });
      lines = [];
    };
    const isLogged = one.source.container.definition.logConfiguration?.logDriver === 'awslogs';
    for (let since = ''; ; since = new Date().toISOString()) {
      const words = isLogged ? ['logs', '--follow', ...(since === '' ? [] : ['--since', since]), id] : ['wait', id];
      const following = docker.follow(words, (line) => {
        if (!isLogged) return;
        lines.push(line);
        timer ??= setTimeout(flush, COLLECTS);
      });
      const abort = () => following.end();
      this.over.signal.addEventListener('abort', abort, { once: true });
      await following.ended;
      this.over.signal.removeEventListener('abort', abort);
      flush();
      if (this.over.signal.aborted) return;
      const end = await this.endOf(id);
      if (end !== undefined) {
        one.state = 'exited';
        one.code = end.code;
        this.told({ what: 'exited', container: one.name, ...end });
        this.next(() => this.advance());
        return;
      }
      // It runs still, or the engine does not answer.
      if (!(await passed(2000, this.over.signal))) return;
    }
  }

  /** How it has ended; undefined while it runs, or while nobody knows. */
  private async endOf(id: string): Promise<{ code: number; reason?: string } | undefined> {
    const found = await this.around.docker.now(['inspect', '--type', 'container', '--format', '{{json .State}}', id]);
    if (found.code !== 0)
      return /no such|not found/i.test(found.stderr) ? { code: 137, reason: 'the container was removed from the engine' } : undefined;
    const { Running, OOMKilled, ExitCode } = JSON.parse(found.stdout) as { Running: boolean; OOMKilled: boolean; ExitCode: number };
    if (Running) return undefined;
    return { code: ExitCode, ...(OOMKilled ? { reason: 'OutOfMemoryError: Container killed due to memory usage' } : {}) };
  }

  /** Ends its containers, those first that others do not depend on; then all of it is removed. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.unwanted.abort();
    await this.work.catch(() => undefined);
    for (;;) {
      const alive = this.containers.filter(({ state }) => state === 'running');
      const free = alive.filter(
        ({ name }) =>
          !alive.some(({ source }) => source.container.definition.dependsOn?.some(({ containerName }) => containerName === name)),
      );
      if (alive.length === 0) break;
      await Promise.all((free.length > 0 ? free : alive).map((one) => this.stopOne(one)));
    }
    this.told({ what: 'ended' });
    await this.remove();
  }

  private async stopOne(one: Running): Promise<void> {
    const { docker } = this.around;
    const id = nameOf(this.task, one.name);
    const limit = one.source.container.definition.stopTimeout ?? STOP_TIMEOUT;
    const stopped = await docker.now(['stop', '--time', String(limit), id], { limit: (limit + 60) * 1000 });
    if (stopped.code !== 0) await docker.now(['kill', id], { limit: 60_000 });
    // Whoever watches it says how it has ended.
    for (let tries = 0; one.state === 'running' && tries < 100; tries++) if (!(await passed(50, this.over.signal))) return;
    if (one.state !== 'running') return;
    one.state = 'exited';
    this.told({ what: 'exited', container: one.name, code: 137 });
  }

  /** Nothing of it stays. */
  async remove(): Promise<void> {
    this.isStopping = true;
    this.unwanted.abort();
    this.over.abort();
    await this.work.catch(() => undefined);
    const { docker } = this.around;
    await docker.now(['rm', '--force', '--volumes', ...this.containers.map(({ name }) => nameOf(this.task, name))]);
    await docker.now(['rm', '--force', this.network]);
    if (this.volumes.length > 0) await docker.now(['volume', 'rm', '--force', ...this.volumes]);
  }
}
