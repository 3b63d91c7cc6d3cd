/** All of local AWS: accounts and Regions, one clock, one source of chance, one meter, and the inner door. */
import { Bound } from './bound.ts';
import type { Clock } from './clock.ts';
import { Faults } from './faults.ts';
import { answer, callDirectly } from './front.ts';
import { ConnectionError, type HttpRequest, type HttpResponse } from './http.ts';
import { Meter } from './meter.ts';
import { Random } from './random.ts';
import type { Principal, Service } from './service.ts';
import { type HostHandler, Site, type World as WorldInside } from './site.ts';
import { Throttles } from './throttles.ts';

/** Makes a service for one account and Region. */
export type ServiceFactory = (site: Site) => Service;

export class World implements WorldInside {
  readonly clock: Clock;
  readonly random: Random;
  readonly meter = new Meter();
  readonly faults: Faults;
  readonly throttles: Throttles;
  /** Ignore unknown members in the requests of outside tools, as AWS does. Lambdas of our own are always held to the schema. @default false */
  lenient = false;
  private readonly factories: Readonly<Record<string, ServiceFactory>>;
  private readonly sites = new Map<string, Site>();
  private readonly hosts = new Map<string, HostHandler | Bound>();
  private readonly parts = new Map<string, object>();

  /** @param factories the services by name, as `services/index.ts` lists them */
  constructor(clock: Clock, factories: Readonly<Record<string, ServiceFactory>>, seed = 1) {
    this.clock = clock;
    this.factories = factories;
    this.random = new Random(seed);
    this.faults = new Faults(this.clock);
    this.throttles = new Throttles(this.clock);
  }

  site(account: string, region: string): Site {
    const key = `${account}/${region}`;
    let site = this.sites.get(key);
    if (site === undefined) {
      site = new Site(this, account, region);
      this.sites.set(key, site);
    }
    return site;
  }

  get allSites(): readonly Site[] {
    return [...this.sites.values()];
  }

  create(name: string, site: Site): Service {
    const factory = this.factories[name];
    if (factory === undefined) throw new Error(`local AWS has no service "${name}"; it has ${Object.keys(this.factories).join(', ')}`);
    return factory(site);
  }

  get serviceNames(): readonly string[] {
    return Object.keys(this.factories);
  }

  knows(service: string): boolean {
    return service in this.factories;
  }

  listen(host: string, handler: HostHandler | Bound): void {
    this.hosts.set(host, handler);
  }

  listens(host: string): boolean {
    return this.hosts.has(host);
  }

  close(host: string): void {
    this.hosts.delete(host);
  }

  part<Part extends object>(name: string, make: () => Part): Part {
    const found = this.parts.get(name) ?? make();
    this.parts.set(name, found);
    return found as Part;
  }

  async http(request: HttpRequest): Promise<HttpResponse> {
    this.clock.stir();
    try {
      const handler = this.hosts.get(request.host);
      if (handler instanceof Bound) return (await handler.run(request)) as HttpResponse;
      if (handler !== undefined) return await handler(request);
      const response = await answer(this, request);
      if (response === undefined) throw new ConnectionError('ENOTFOUND', request.host);
      return response;
    } finally {
      this.clock.stir();
    }
  }

  call(site: Site, principal: Principal, service: string, operation: string, input: object): Promise<unknown> {
    return callDirectly(this, site, principal, service, operation, input);
  }
}
