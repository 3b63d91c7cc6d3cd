/** One account and Region on this machine, with its services, and what they find around them. */
import type { Bound } from './bound.ts';
import type { Clock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import type { Meter } from './meter.ts';
import type { Random } from './random.ts';
import type { Place, Principal, Service } from './service.ts';
import type { Throttles } from './throttles.ts';

/**
 * The services by the name in their endpoint and in IAM (`ecs`, `dynamodb`, `events`, `states`, …).
 * Each service file adds its own line by declaration merging:
 * `declare module '../core/site.ts' { interface Services { ecs: Ecs } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging.
export interface Services {}

/** Answers a host that is not an AWS endpoint: a load balancer, a function URL, a bucket of image layers. */
export type HostHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

/** All of local AWS, as what is inside sees it. */
export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: Meter;
  readonly faults: Faults;
  readonly throttles: Throttles;
  /** Ignore unknown members in the requests of outside tools, as AWS does. Lambdas of our own are always held to the schema. */
  lenient: boolean;
  readonly allSites: readonly Site[];
  /** The services that this world can make, in the order of their list. */
  readonly serviceNames: readonly string[];
  site(account: string, region: string): Site;
  /** Makes a service for an account and Region. */
  create(name: string, site: Site): Service;
  knows(service: string): boolean;
  /** Makes `host` answer. */
  listen(host: string, handler: HostHandler | Bound): void;
  listens(host: string): boolean;
  close(host: string): void;
  /** What there is one of in a world and is no service's own: made when it is first asked for. */
  part<Part extends object>(name: string, make: () => Part): Part;
  /**
   * The inner door: whatever leaves a Lambda, a person or a tool as HTTP. AWS endpoints
   * (`<service>.<region>.amazonaws.com`) go to the front, other hosts to whoever listens.
   * @throws ConnectionError where nobody does
   */
  http(request: HttpRequest): Promise<HttpResponse>;
  /** See {@link Site.call}. */
  call(site: Site, principal: Principal, service: string, operation: string, input: object): Promise<unknown>;
}

export class Site implements Place {
  readonly world: World;
  readonly account: string;
  readonly region: string;
  private readonly services = new Map<string, Service>();

  constructor(world: World, account: string, region: string) {
    this.world = world;
    this.account = account;
    this.region = region;
  }

  /** The service itself, for what AWS's services do among themselves without an API call. */
  service<Name extends keyof Services>(name: Name): Services[Name] {
    return this.find(name) as unknown as Services[Name];
  }

  find(name: string): Service {
    let service = this.services.get(name);
    if (service === undefined) {
      service = this.world.create(name, this);
      this.services.set(name, service);
    }
    return service;
  }

  /** The services that this site has used so far, by name. */
  get running(): ReadonlyMap<string, Service> {
    return this.services;
  }

  /**
   * A call that an AWS service makes on somebody's behalf (Step Functions with its role, EventBridge as a service):
   * authorised, throttled, metered and faulted like any other, without the wire.
   * @throws ServiceError
   */
  call<Output = unknown>(principal: Principal, service: string, operation: string, input: object): Promise<Output> {
    return this.world.call(this, principal, service, operation, input) as Promise<Output>;
  }

  arn(service: string, resource: string): string {
    return `arn:aws:${service}:${this.region}:${this.account}:${resource}`;
  }
}
