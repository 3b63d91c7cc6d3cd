/** The front of every AWS service: finds the operation, lets faults, limits, IAM and the meter have their say, and answers. */
import { ConnectionError, type HttpRequest, type HttpResponse } from './http.ts';
import { LambdaKilled } from './faults.ts';
import { type Call, type Operation, type Principal, ServiceError } from './service.ts';
import type { Site } from './site.ts';
import type { World } from './world.ts';

/** Answers a request to an AWS endpoint; undefined where the host is none. */
export async function answer(_world: World, _request: HttpRequest): Promise<HttpResponse | undefined> {
  return undefined;
}

/** A call without the wire. @throws ServiceError */
export async function callDirectly(
  world: World,
  site: Site,
  principal: Principal,
  service: string,
  operation: string,
  input: object,
): Promise<unknown> {
  return perform(world, { site, principal, service, operation, input });
}

interface Performance {
  readonly site: Site;
  readonly principal: Principal;
  readonly service: string;
  readonly operation: string;
  readonly input: object;
  readonly invocation?: string;
}

async function perform(world: World, request: Performance): Promise<unknown> {
  const { site, principal, service, operation, input, invocation } = request;
  const found: Operation | undefined = site.find(service).operations[operation];
  if (found === undefined) throw new ServiceError('NotImplemented', `not implemented on local AWS: ${service}.${operation}`, 501);
  const fault = world.faults.call({ account: site.account, region: site.region, service, operation, caller: principal.arn, invocation });
  if (fault === 'kill-before') throw new LambdaKilled(invocation ?? '', `${service}:${operation}`);
  if (fault === 'timeout-before') throw new ConnectionError('ETIMEDOUT', service);
  if (!world.throttles.take(site.account, site.region, service, operation)) throw new ServiceError('ThrottlingException', 'Rate exceeded', 400);
  const call: Call = { site, principal, requestId: site.world.random.uuid(), now: world.clock.now() };
  const output = await found.handle(input, call);
  world.meter.record('call', 1, { service, operation, caller: principal.arn, account: site.account, region: site.region, outcome: 'ok' });
  return output;
}
