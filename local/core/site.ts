/** One account and Region on this machine, with its services. */
import type { Principal, Service } from './service.ts';
import type { World } from './world.ts';

/**
 * The services by the name in their endpoint and in IAM (`ecs`, `dynamodb`, `events`, `states`, …).
 * Each service file adds its own line by declaration merging:
 * `declare module '../core/site.ts' { interface Services { ecs: Ecs } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging.
export interface Services {}

export class Site {
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

  /** `arn:aws:<service>:<region>:<account>:<resource>` */
  arn(service: string, resource: string): string {
    return `arn:aws:${service}:${this.region}:${this.account}:${resource}`;
  }
}
