/** What is outside of a world, seen from the world: requests of SDKs, command lines, container tools and people. */
import { endpointOf, hostOfSignature, scopeOf } from '../core/endpoint.ts';
import { INVOCATION_HEADER } from '../core/faults.ts';
import type { HttpRequest, HttpResponse } from '../core/http.ts';
import type { Site, World } from '../core/site.ts';
import { answerRegistry } from '../services/ecr/protocol.ts';
import type { Entrance, Exchange, Inputs } from './inputs.ts';
import type { Pacer } from './pacer.ts';
import { changesHost, looksAtApi, looksAtRegistry, operation } from './reads.ts';
import { answerUnknownService } from './unknown-service.ts';

/** Answers who comes through the ports of one site; what changes something is remembered first. */
export class Outside {
  private readonly world: World;
  private readonly site: Site;
  private readonly pacer: Pacer;
  private readonly inputs: Inputs | undefined;

  constructor(site: Site, pacer: Pacer, inputs?: Inputs) {
    this.world = site.world;
    this.site = site;
    this.pacer = pacer;
    this.inputs = inputs;
    // As AWS does, members that an older or newer client sends and nobody knows are ignored.
    this.world.lenient = true;
  }

  /** Whether a host name is one of this world's. */
  readonly knows = (host: string): boolean => this.world.listens(host) || endpointOf(host) !== undefined;

  /** The endpoint of the API. Clients know only its address: service and Region stand in the signature. */
  readonly api = async (request: HttpRequest): Promise<HttpResponse> => {
    const name = request.host.replace(/:\d+$/, '').toLowerCase();
    if (this.world.listens(name)) return await this.host(name)(request);
    const { authorization } = request.headers;
    const host = hostOfSignature(authorization) ?? (endpointOf(name) ? name : undefined);
    if (host === undefined) return answerUnknownService(request, scopeOf(authorization).signingName);
    const response = await this.take('api', { ...request, host }, looksAtApi(request));
    return host.startsWith('sqs.') && TELLS_QUEUES.has(operation(request) ?? '') ? reachable(response, host, request.host) : response;
  };

  /** The registry, for `startRegistry`. */
  readonly registry = (request: HttpRequest): Promise<HttpResponse> => this.take('registry', request, looksAtRegistry(request));

  /** A load balancer or a function URL. A load balancer is known by its own name, whatever the port is called. */
  host(host: string): (request: HttpRequest) => Promise<HttpResponse> {
    if (host === this.site.service('ecr').host) return this.registry;
    if (changesHost(host)) return (request) => this.take({ host }, request, false);
    return (request) => this.take({ host }, { ...request, headers: { ...request.headers, host } }, true);
  }

  private async take(entrance: Entrance, incoming: HttpRequest, reads: boolean): Promise<HttpResponse> {
    const { [INVOCATION_HEADER]: _, ...headers } = incoming.headers;
    const request = { ...incoming, headers, received: Date.now() };
    if (reads) {
      await this.pacer.present();
      return await pass(this.site, entrance, request);
    }
    return await this.pacer.enter(async () => {
      const input: Exchange = { kind: 'request', at: this.world.clock.now(), entrance, request };
      const number = this.inputs?.add(input);
      const response = await pass(this.site, entrance, request);
      if (number !== undefined) this.inputs?.answered(number, response.status);
      return response;
    });
  }
}

/** Operations of SQS that answer with addresses of queues. */
const TELLS_QUEUES = new Set(['CreateQueue', 'GetQueueUrl', 'ListQueues']);

/** Many SDKs send to a queue at its own address, not at the endpoint: so it is one under which this door is reached. */
function reachable(response: HttpResponse, host: string, door: string): HttpResponse {
  const body = new TextDecoder().decode(response.body).replaceAll(`https://${host}/`, `http://${door}/`);
  return { ...response, body: new TextEncoder().encode(body) };
}

/** Lets a request into the world, now. @throws ConnectionError */
export async function pass(site: Site, entrance: Entrance, request: HttpRequest): Promise<HttpResponse> {
  if (entrance === 'api') return await site.world.http(request);
  if (entrance === 'registry') {
    // Images are named by the port under which they were pushed, also when they come again from a data folder.
    site.service('ecr').localHosts.add(request.host);
    site.world.clock.stir();
    const response = await answerRegistry(site, request);
    site.world.clock.stir();
    return response;
  }
  return await site.world.http({ ...request, host: entrance.host });
}
