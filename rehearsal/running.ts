/** A pipeline on local AWS in real time, with doors for everybody outside, that goes on where it stopped. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { JournalEntry } from '../domain/ledger/records.ts';
import { foundationParameter, functionName, journalTable } from '../domain/pipeline/names.ts';
import type { Foundation, Pipeline } from '../domain/pipeline/pipeline.ts';
import type { VirtualClock } from '../local/core/clock.ts';
import type { Site } from '../local/core/site.ts';
import { type Door, openDoor } from '../local/outer/door.ts';
import type { Docker } from '../local/outer/engine/docker.ts';
import type { EngineContainers } from '../local/outer/engine/engine.ts';
import { Outside } from '../local/outer/outside.ts';
import { Pacer } from '../local/outer/pacer.ts';
import { startRegistry } from '../local/registry/server.ts';
import { type Beginning, DataFolder } from './data-folder.ts';
import { Past } from './past.ts';
import { ADMIN, type Profile } from './profiles.ts';

export interface RunningOptions {
  /** Path of a `shiplock.config.ts`. */
  readonly config: string;
  /** Where it is kept. @default nowhere: it ends with {@link RunningPipeline.close} */
  readonly data?: string;
  /** Seconds of the pipeline to one of the machine. @default 1 */
  readonly speed?: number;
  /** When a new world begins, in milliseconds since the epoch. @default now, and it follows the machine's time if its speed is 1 */
  readonly start?: number;
  /** Of the API; the registry has the next, then `decide`, then the load balancers. @default 0: all of them are free ones */
  readonly port?: number;
  /** Runs the containers of tasks, which need real time: only at speed 1. @default local AWS plays them */
  readonly engine?: {
    readonly docker: Docker;
    /** Whose containers they are: nobody else's name. */
    readonly owner: string;
    /** As the engine names platforms: `amd64`. */
    readonly architecture: string;
  };
  /** An assembly that was synthesised before from the same configuration. @default synthesised now */
  readonly synthesised?: string;
  /** Told what is being done, in words. */
  readonly say?: (text: string) => void;
}

/** Where everything is: the shape of `local.json`. */
export interface Addresses {
  /** For `--endpoint-url`. */
  readonly endpoint: string;
  /** `127.0.0.1:<port>` */
  readonly registry: string;
  readonly region: string;
  readonly account: string;
  readonly pipeline: string;
  readonly config: string;
  /** URLs by environment. */
  readonly loadBalancers: Readonly<Record<string, string>>;
  readonly decideUrl: string;
  readonly profiles: Readonly<Record<string, Profile>>;
}

/** How often a folder learns what time it is, in milliseconds of the machine. */
const SAVED_EVERY = 10_000;

export class RunningPipeline {
  readonly site: Site;
  readonly pipeline: Pipeline;
  readonly addresses: Addresses;
  private readonly clock: VirtualClock;
  private readonly pacer: Pacer;
  private readonly dataFolder: DataFolder;
  private readonly beginning: Beginning;
  private readonly doors: readonly { close(): Promise<void> }[];
  private readonly containers: EngineContainers | undefined;
  private readonly past: Past;
  private readonly saving: NodeJS.Timeout;

  private constructor(parts: Pick<RunningPipeline, 'site' | 'pipeline' | 'addresses'> & Parts) {
    this.site = parts.site;
    this.pipeline = parts.pipeline;
    this.addresses = parts.addresses;
    this.clock = parts.clock;
    this.pacer = parts.pacer;
    this.dataFolder = parts.dataFolder;
    this.beginning = parts.beginning;
    this.doors = parts.doors;
    this.containers = parts.containers;
    this.past = parts.past;
    this.saving = setInterval(() => {
      this.save();
      // Between two events; a pacer that is stopping lets nobody in any more, and then the end saves.
      this.pacer.enter(() => Promise.resolve(this.past.snapshot())).catch(() => undefined);
    }, SAVED_EVERY);
  }

  /** @throws ConfigError; FolderError; Error with the code EADDRINUSE */
  static async open(options: RunningOptions): Promise<RunningPipeline> {
    const { say = () => undefined, speed = 1 } = options;
    const dataFolder = new DataFolder(options.data);
    try {
      say('synthesises the pipeline');
      const { pipeline, assembly } = await dataFolder.assemble(options.config, options.synthesised);
      const known = dataFolder.beginning(pipeline);
      // Containers cannot hurry through what happened while they were stopped: their time goes on where it stopped.
      const follows = options.start === undefined && speed === 1 && options.engine === undefined;
      const beginning = known ?? dataFolder.begin(pipeline, options.start ?? Date.now(), follows, options.engine !== undefined);
      dataFolder.assertSameTasks(beginning, options.engine !== undefined);
      const past = await Past.open(dataFolder, beginning, say, options.engine !== undefined);
      const { site, clock, containers } = past;
      await clock.run({ until: Math.max(clock.now(), beginning.now) });
      if (past.assembly !== assembly) {
        say(past.assembly === undefined ? 'boots local AWS from it' : 'deploys what changed in the configuration');
        await past.deploy(pipeline, assembly);
      }
      if (beginning.follows && speed === 1) await catchUp(clock, say);
      site.service('elasticloadbalancing').metrics.onVisits = (measured) =>
        void dataFolder.inputs?.add({ kind: 'visits', at: clock.now(), measured });
      const pacer = new Pacer(clock, {
        speed,
        onFailure: (error) => say(`a mistake in local AWS: ${String((error as Error).stack ?? error)}`),
      });
      try {
        const { doors, ...open } = await openDoors(site, pipeline, new Outside(site, pacer, dataFolder.inputs), options.port ?? 0);
        const { account, region } = site;
        const addresses = { ...open, region, account, pipeline: pipeline.name, config: options.config, profiles: past.profiles };
        if (containers && options.engine)
          await goLive(containers, options.engine, { pacer, clock, dataFolder, registry: open.registry, say });
        return new RunningPipeline({ site, pipeline, addresses, clock, pacer, dataFolder, beginning, doors, containers, past });
      } catch (error) {
        await pacer.stop();
        throw error;
      }
    } catch (error) {
      dataFolder.close();
      throw error;
    }
  }

  /** Now, in the pipeline's time. Milliseconds since the epoch. */
  now(): number {
    return this.clock.now();
  }

  /** Tells of every journal entry as it is written. */
  async onJournal(listener: (entry: JournalEntry) => void): Promise<void> {
    const TableName = journalTable(this.pipeline.name);
    const principal = this.site.service('iam').userPrincipal(ADMIN);
    const { Table } = await this.site.call<{ Table: { LatestStreamArn: string } }>(principal, 'dynamodb', 'DescribeTable', { TableName });
    this.site.service('dynamodb').onRecord(Table.LatestStreamArn, (records) => {
      for (const { eventName, dynamodb: change } of records)
        if (eventName === 'INSERT' && change.NewImage)
          listener(unmarshall(change.NewImage as Record<string, AttributeValue>) as JournalEntry);
    });
  }

  /** Closes the doors, lets what runs at this moment end, and saves what time it is. No container is left. */
  async close(): Promise<void> {
    clearInterval(this.saving);
    this.containers?.hush();
    await Promise.all(this.doors.map((door) => door.close()));
    await this.pacer.stop();
    this.save();
    this.past.snapshot(true);
    await this.containers?.close();
    this.dataFolder.close();
  }

  private save(): void {
    this.dataFolder.save({ ...this.beginning, now: this.clock.now() });
  }
}

interface Parts {
  readonly clock: VirtualClock;
  readonly pacer: Pacer;
  readonly dataFolder: DataFolder;
  readonly beginning: Beginning;
  readonly doors: readonly { close(): Promise<void> }[];
  readonly containers: EngineContainers | undefined;
  readonly past: Past;
}

/** What would have happened while nobody looked happens now: schedules, teardowns, expiries. */
async function catchUp(clock: VirtualClock, say: (text: string) => void): Promise<void> {
  const hours = (Date.now() - clock.now()) / 3_600_000;
  if (hours > 1) say(`lets the ${hours.toFixed(0)} hours pass in which it was stopped`);
  await clock.run({ until: Math.max(clock.now(), Date.now()) });
}

/** From now on containers run; what they do comes in from outside, as requests do. */
async function goLive(
  containers: EngineContainers,
  { docker, owner, architecture }: NonNullable<RunningOptions['engine']>,
  world: { pacer: Pacer; clock: VirtualClock; dataFolder: DataFolder; registry: string; say: (text: string) => void },
): Promise<void> {
  const { pacer, clock, dataFolder, registry, say } = world;
  const { restarted, lost } = await containers.live(
    { docker, folder: owner, architecture, registry },
    {
      enter: (report) => {
        const take = () => {
          dataFolder.inputs?.add({ kind: 'report', at: clock.now(), report });
          containers.apply(report);
          return Promise.resolve();
        };
        pacer.enter(take).catch((error: unknown) => say(`a report of the engine came to nothing: ${String(error)}`));
      },
      remember: (heard) => void dataFolder.inputs?.add({ kind: 'heard', at: clock.now(), heard }),
    },
  );
  if (restarted > 0) say(`starts the containers of ${restarted} running tasks again`);
  if (lost > 0) say(`${lost} jobs were running when it stopped: they end as killed, and are not run a second time`);
}

async function openDoors(site: Site, pipeline: Pipeline, outside: Outside, port: number) {
  const doors: { close(): Promise<void> }[] = [];
  const next = () => (port === 0 ? 0 : port + doors.length);
  const open = async (answer: Parameters<typeof openDoor>[1], streams = false): Promise<Door> => {
    const door = await openDoor(next(), answer, outside.knows, { streams });
    doors.push(door);
    return door;
  };
  try {
    const { url: endpoint } = await open(outside.api);
    const registry = await startRegistry(site, { port: next(), answer: outside.registry });
    doors.push(registry);
    const { url: decideUrl } = await open(outside.host(await decideHost(site, pipeline)));
    const loadBalancers: Record<string, string> = {};
    for (const environment of Object.keys(pipeline.environments)) {
      const value = site.service('ssm').value(foundationParameter(pipeline.name, environment));
      if (value !== undefined) loadBalancers[environment] = (await open(outside.host((JSON.parse(value) as Foundation).host), true)).url;
    }
    return { endpoint, registry: registry.host, decideUrl: `${decideUrl}/`, loadBalancers, doors };
  } catch (error) {
    await Promise.all(doors.map((door) => door.close()));
    throw error;
  }
}

async function decideHost(site: Site, pipeline: Pipeline): Promise<string> {
  const principal = site.service('iam').userPrincipal(ADMIN);
  const FunctionName = functionName(pipeline.name, 'decide');
  const { FunctionUrl } = await site.call<{ FunctionUrl: string }>(principal, 'lambda', 'GetFunctionUrlConfig', { FunctionName });
  return new URL(FunctionUrl).host;
}
