/** A world saved whole, and a new one that goes on where it was. */
import { VirtualClock } from '../core/clock.ts';
import { World } from '../core/world.ts';
import { factories } from '../services/index.ts';
import type { Blobs } from './blobs.ts';
import { decode } from './decode.ts';
import { encode, type Graph, UnsavableError } from './encode.ts';
import { classes } from './saved.ts';

/** A world, and what belongs to it beside its services, as JSON. */
export interface SavedWorld {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly seed: number;
  /** Account, Region and services of each site, as they came to be. */
  readonly sites: readonly (readonly [account: string, region: string, services: readonly string[]])[];
  readonly graph: Graph;
}

type Kept = Readonly<Record<string, object>>;

/**
 * @param kept what the world has to do with from outside of it, such as its stacks, made for any world by `make`
 * @throws UnsavableError where something is under way that cannot be interrupted: an invocation, a build, a request
 */
export function saveWorld<More extends Kept>(world: World, kept: More, make: (world: World) => More, blobs: Blobs): SavedWorld {
  const clock = world.clock as VirtualClock;
  if (!clock.isIdle) throw new UnsavableError(['work of the real world is under way']);
  clock.tidy();
  if (clock.closures.length > 0) throw new UnsavableError(clock.closures);
  const sites = world.allSites.map(({ account, region, running }) => [account, region, [...running.keys()]] as const);
  const about = { now: clock.now(), seed: world.random.seed, sites };
  const fresh = newWorld(about);
  return { ...about, graph: encode({ world, ...kept }, { world: fresh, ...make(fresh) }, classes, blobs) };
}

/** @throws LoadError, AnotherWayError */
export async function loadWorld<More extends Kept>(
  saved: SavedWorld,
  make: (world: World) => More,
  blobs: Blobs,
): Promise<{ readonly world: World } & More> {
  const world = newWorld(saved);
  const all = { world, ...make(world) };
  decode(saved.graph, all, classes, blobs);
  for (const site of world.allSites) for (const service of site.running.values()) await service.resume?.();
  return all;
}

/** The same services as the saved one has, and nothing in them. */
function newWorld({ now, seed, sites }: Omit<SavedWorld, 'graph'>): World {
  const world = new World(new VirtualClock(now), factories, seed);
  for (const [account, region, services] of sites) {
    const site = world.site(account, region);
    for (const service of services) site.find(service);
  }
  return world;
}
