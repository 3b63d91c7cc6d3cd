/** A world that is over: what its services saved can be read, and nothing happens in it any more. It starts at once, as it has no front. */
import { VirtualClock } from './clock.ts';
import { Faults } from './faults.ts';
import { Meter } from './meter.ts';
import { Random } from './random.ts';
import type { Service } from './service.ts';
import { Site, type World } from './site.ts';
import { Throttles } from './throttles.ts';

export class EndedWorld implements World {
  readonly clock: VirtualClock;
  readonly random = new Random(1);
  readonly meter = new Meter();
  readonly faults: Faults;
  readonly throttles: Throttles;
  lenient = false;
  readonly allSites: Site[] = [];
  private readonly factories: Readonly<Record<string, (site: Site) => Service>>;
  private readonly parts = new Map<string, object>();

  /** @param now when it was saved, in milliseconds since the epoch @param factories of the services that are read */
  constructor(now: number, factories: Readonly<Record<string, (site: Site) => Service>>) {
    this.clock = new VirtualClock(now);
    this.faults = new Faults(this.clock);
    this.throttles = new Throttles(this.clock);
    this.factories = factories;
  }

  site(account: string, region: string): Site {
    let site = this.allSites.find((each) => each.account === account && each.region === region);
    if (site === undefined) {
      site = new Site(this, account, region);
      this.allSites.push(site);
    }
    return site;
  }

  get serviceNames(): readonly string[] {
    return Object.keys(this.factories);
  }

  knows(service: string): boolean {
    return service in this.factories;
  }

  create(name: string, site: Site): Service {
    return this.factories[name]?.(site) ?? over(name);
  }

  part<Part extends object>(name: string, make: () => Part): Part {
    const part = (this.parts.get(name) as Part | undefined) ?? make();
    this.parts.set(name, part);
    return part;
  }

  listens(): boolean {
    return false;
  }

  listen(host: string): never {
    return over(host);
  }

  close(host: string): never {
    return over(host);
  }

  http({ host }: { readonly host: string }): Promise<never> {
    return over(host);
  }

  call(_site: Site, _principal: unknown, service: string, operation: string): Promise<never> {
    return over(`${service}:${operation}`);
  }
}

const over = (what: string): never => {
  throw new Error(`the world is over, and has left nothing of ${what}`);
};
