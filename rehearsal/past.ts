/** What a data folder remembers of its world: the newest snapshot that is good, and what came from outside since. */
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { Stacks } from '../local/cloudformation/index.ts';
import { VirtualClock } from '../local/core/clock.ts';
import type { Site } from '../local/core/site.ts';
import { World } from '../local/core/world.ts';
import { EngineContainers } from '../local/outer/engine/engine.ts';
import type { Input, Position } from '../local/outer/inputs.ts';
import { pass } from '../local/outer/outside.ts';
import { factories } from '../local/services/index.ts';
import { UnsavableError } from '../local/snapshot/encode.ts';
import { loadWorld, type SavedWorld, saveWorld } from '../local/snapshot/world.ts';
import type { Beginning, DataFolder } from './data-folder.ts';
import { issueProfiles, type Profile, profilesOf, type Wanted } from './profiles.ts';

/** A deployment of an assembly, as it is remembered. */
interface Deployment {
  readonly assembly: string;
  readonly profiles: readonly Wanted[];
}

/** What is deployed, and for whom there are keys. */
interface Deployed {
  assembly: string | undefined;
  profiles: Record<string, Profile>;
}

/** Two snapshots lie at least so far apart, in milliseconds of the machine; and so many times as long as one takes. */
const APART = { least: 60_000, times: 30 };
/** Where nothing came from outside, the world has to have come so far for another one, in its own milliseconds. */
const QUIET = 3_600_000;

const around = (world: World) => ({ stacks: new Stacks(world), deployed: { assembly: undefined, profiles: {} } as Deployed });

export class Past {
  readonly site: Site;
  readonly clock: VirtualClock;
  readonly containers: EngineContainers | undefined;
  private readonly world: World;
  private readonly dataFolder: DataFolder;
  private readonly stacks: Stacks;
  private readonly deployed: Deployed;
  private readonly say: (text: string) => void;
  /** The snapshot before: until when it reaches, when it was taken and how long that took, in milliseconds. */
  private last: { readonly count: number; readonly now: number; readonly machine: number; readonly took: number } | undefined;

  private constructor(dataFolder: DataFolder, { account, region }: Beginning, world: World, kept: ReturnType<typeof around>, more: Told) {
    this.dataFolder = dataFolder;
    this.world = world;
    this.clock = world.clock as VirtualClock;
    this.site = world.site(account, region);
    this.stacks = kept.stacks;
    this.deployed = kept.deployed;
    this.say = more.say;
    this.containers = more.runs ? new EngineContainers(this.site) : undefined;
    if (this.containers) this.site.service('ecs').lives.runtime = this.containers;
  }

  /** The world as the folder remembers it. @param runs tasks run as containers of an engine: then all of it is played again */
  static async open(dataFolder: DataFolder, beginning: Beginning, say: Told['say'], runs: boolean): Promise<Past> {
    const told = { say, runs };
    for (const found of runs ? [] : (dataFolder.snapshots?.read() ?? [])) {
      if (dataFolder.inputs?.knows(found.position) !== true) continue;
      try {
        const { world, ...kept } = await loadWorld(JSON.parse(found.content) as SavedWorld, around, found.blobs);
        const past = new Past(dataFolder, beginning, world, kept, told);
        past.last = { count: found.position.count, now: past.clock.now(), machine: performance.now(), took: 0 };
        past.site.service('elasticloadbalancing').metrics.forgetVisits();
        say(`goes on from how it was at ${new Date(past.clock.now()).toISOString()}`);
        await past.again(found.position);
        return past;
      } catch (error) {
        say(`a snapshot in this folder cannot be used, so an earlier state is: ${String((error as Error).message)}`);
      }
    }
    const world = new World(new VirtualClock(beginning.start), factories, beginning.seed);
    const past = new Past(dataFolder, beginning, world, around(world), told);
    await past.again();
    return past;
  }

  /** The assembly that is deployed, by its name. */
  get assembly(): string | undefined {
    return this.deployed.assembly;
  }

  get profiles(): Readonly<Record<string, Profile>> {
    return this.deployed.profiles;
  }

  /**
   * Saves the world, if it is time for it and nothing is under way. To be called between two events.
   * @param isEnd it is time for it
   */
  snapshot(isEnd = false): void {
    const { inputs, snapshots } = this.dataFolder;
    if (inputs === undefined || snapshots === undefined || this.containers !== undefined) return;
    const { position } = inputs;
    if (!this.isDue(position, isEnd)) return;
    const began = performance.now();
    try {
      const { stacks, deployed } = this;
      snapshots.add(position, (blobs) => JSON.stringify(saveWorld(this.world, { stacks, deployed }, around, blobs)));
    } catch (error) {
      if (error instanceof UnsavableError) return;
      this.say(`no snapshot could be saved, so the next start takes longer; nothing else is lost: ${String((error as Error).message)}`);
    }
    const machine = performance.now();
    this.last = { count: position.count, now: this.clock.now(), machine, took: machine - began };
  }

  private isDue({ count }: Position, isEnd: boolean): boolean {
    const { last } = this;
    if (last === undefined) return true;
    if (count === last.count && this.clock.now() - last.now < (isEnd ? 1 : QUIET)) return false;
    return isEnd || performance.now() - last.machine > Math.max(APART.least, APART.times * last.took);
  }

  /** Everything that the folder remembers since then, each at its moment. Says so if it plays out differently now. */
  private async again(from?: Position): Promise<void> {
    const remembered = this.dataFolder.inputs?.read(from) ?? [];
    if (remembered.length === 0) return;
    const requests = remembered.filter(({ input }) => input.kind === 'request').length;
    this.say(`plays again what happened ${from === undefined ? 'in this folder' : 'since then'}: ${requests} requests`);
    for (const { input } of remembered) if (input.kind === 'heard') this.containers?.recall(input.heard);
    this.world.lenient = true;
    const different: string[] = [];
    for (const { input, status } of remembered) {
      if (input.kind === 'heard') continue;
      await this.clock.run({ until: input.at });
      await this.enter(input, (found) => {
        if (status !== undefined && found !== status && input.kind === 'request')
          different.push(`${input.request.method} ${input.request.path}: ${found} instead of ${status}`);
      });
    }
    await this.clock.settle();
    if (different.length > 0)
      this.say(
        `${different.length} of them are answered differently by this version of local AWS (first: ${different[0]}): not all is as it was. For a fresh start give --data another folder`,
      );
  }

  private async enter(input: Exclude<Input, { readonly kind: 'heard' }>, answered: (status: number) => void): Promise<void> {
    switch (input.kind) {
      case 'report':
        this.containers?.apply(input.report);
        return;
      case 'visits':
        this.site.service('elasticloadbalancing').metrics.recall(input.measured);
        return;
      case 'deed':
        await this.apply(input.what as Deployment, true);
        return;
      case 'request':
        pass(this.site, input.entrance, input.request).then(
          ({ status }) => answered(status),
          () => answered(0),
        );
    }
  }

  /** Deploys a new assembly, and remembers it. */
  async deploy(pipeline: Pipeline, assembly: string): Promise<void> {
    const at = this.clock.now();
    // Which roles there are is known only afterwards; until then the world stands still.
    await this.apply({ assembly, profiles: [] }, false);
    const what: Deployment = { assembly, profiles: profilesOf(this.site, pipeline) };
    this.deployed.profiles = issueProfiles(this.site, what.profiles, this.deployed.profiles);
    this.dataFolder.inputs?.add({ kind: 'deed', at, what });
  }

  private async apply({ assembly, profiles }: Deployment, withProfiles: boolean): Promise<void> {
    await this.stacks.deploy(this.dataFolder.assembly(assembly));
    this.deployed.assembly = assembly;
    if (withProfiles) this.deployed.profiles = issueProfiles(this.site, profiles, this.deployed.profiles);
  }
}

interface Told {
  /** Told what is being done, in words. */
  readonly say: (text: string) => void;
  readonly runs: boolean;
}
