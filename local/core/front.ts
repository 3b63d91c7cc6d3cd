/** The front of every AWS service: finds the operation, lets faults, limits, IAM and the meter have their say, and answers. */
import { endpointOf, signingNameOf } from './endpoint.ts';
import { type CallFaultKind, INVOCATION_HEADER, LambdaKilled } from './faults.ts';
import { ConnectionError, type HttpRequest, type HttpResponse, textResponse } from './http.ts';
import { StrangeResourceError } from './iam/actions.ts';
import { authorize } from './iam/authorize.ts';
import { CLIENTS } from './protocols/clients.ts';
import { violations } from './protocols/constraints.ts';
import { inflated } from './protocols/encoding.ts';
import { modelFor } from './protocols/former.ts';
import { type Model, modelOf, type OperationModel } from './protocols/model.ts';
import { refusalOf } from './protocols/refusal.ts';
import { satisfied } from './protocols/satisfied.ts';
import { type Misfit, misfit } from './protocols/shape.ts';
import { address, failure, success } from './protocols/wire.ts';
import type { Random } from './random.ts';
import { type Call, type Operation, type Principal, ServiceError } from './service.ts';
import { authenticate } from './signature.ts';
import type { Site, World } from './site.ts';

/**
 * Answers a request to an AWS endpoint; undefined where the host is none.
 * A Lambda's requests are held strictly to the schemas of the SDK; others too, unless `world.lenient` is set.
 * @throws ConnectionError by a fault; LambdaKilled by a fault, for the Lambda runtime
 */
export async function answer(world: World, request: HttpRequest): Promise<HttpResponse | undefined> {
  const endpoint = endpointOf(request.host);
  if (endpoint === undefined) return undefined;
  const { service, region } = endpoint;
  const own = modelOf(service);
  if (own === undefined || !world.knows(service)) {
    const body = JSON.stringify({ __type: 'NotImplemented', message: `not implemented on local AWS: ${service}` });
    return textResponse(501, body, { 'x-amzn-errortype': 'NotImplemented' });
  }
  const model = modelFor(own, request);
  const requestId = requestIds(world).uuid();
  try {
    const { operation, read } = address(model, inflated(request));
    const principal = authenticate(world, request, signingNameOf(service), region);
    const invocation = request.headers[INVOCATION_HEADER];
    const input = read(world.lenient && invocation === undefined) as object;
    checkInput(model, operation, input);
    const site = world.site(principal.account, region);
    const output = await perform(world, {
      site,
      principal,
      service,
      operation: operation.name,
      input,
      requestId,
      invocation,
      received: request.received,
    });
    checkOutput(model, operation, output);
    return success(model, operation, output, requestId);
  } catch (error) {
    if (error instanceof ServiceError) return failure(model, error, requestId, world.clock.now());
    if (error instanceof ConnectionError || error instanceof LambdaKilled) throw error;
    // Not 500, which clients take for passing and try again.
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return failure(model, new ServiceError('LocalAwsBug', text, 501), requestId, world.clock.now());
  }
}

/**
 * A call without the wire, of one AWS service to another.
 * @throws ServiceError; Error where input or output do not fit the schema of the SDK
 */
export async function callDirectly(
  world: World,
  site: Site,
  principal: Principal,
  service: string,
  operation: string,
  input: object,
): Promise<unknown> {
  const model = modelOf(service);
  const known = model?.operations.get(operation);
  if (model !== undefined) {
    if (known === undefined) throw new ServiceError('UnknownOperationException', `${service} has no operation ${operation}`, 404);
    checkInput(model, known, input);
  }
  try {
    const output = await perform(world, { site, principal, service, operation, input, requestId: requestIds(world).uuid() });
    if (model !== undefined && known !== undefined) checkOutput(model, known, output);
    return output;
  } catch (error) {
    // A service that gets no answer from another reports it to its own caller; it has no connection to lose.
    if (error instanceof ConnectionError)
      throw new ServiceError('SdkClientException', `Unable to execute HTTP request: ${error.message}`, 500);
    throw error;
  }
}

interface Performance {
  readonly site: Site;
  readonly principal: Principal;
  readonly service: string;
  readonly operation: string;
  readonly input: object;
  readonly requestId: string;
  readonly invocation?: string;
  readonly received?: number;
}

/** One call: fault, limit, permission, effect, count. */
async function perform(world: World, request: Performance): Promise<object> {
  const { site, principal, service, operation, input, requestId, invocation, received } = request;
  const caller = nameOf(principal);
  const labels = { service, operation, caller, account: site.account, region: site.region };
  const count = (outcome: string) => world.meter.record('call', 1, { ...labels, outcome });
  const fault = world.faults.call({ ...labels, invocation, input });
  try {
    strikeBefore(fault, request);
    if (!world.throttles.take(site.account, site.region, service, operation)) throw throttled(service);
    const implementation: Operation | undefined = world.knows(service) ? site.find(service).operations[operation] : undefined;
    if (implementation === undefined)
      throw new ServiceError('NotImplemented', `not implemented on local AWS: ${service}.${operation}`, 501);
    const call: Call = { principal, requestId, now: world.clock.now(), ...(received === undefined ? {} : { received }) };
    try {
      for (const permission of implementation.authorize(input, call)) authorize(world, principal, permission, site.region);
    } catch (error) {
      // Outsiders may write anything where a name belongs; our own bundles and tests should be told of it as of a mistake.
      if (!(error instanceof StrangeResourceError) || !world.lenient || invocation !== undefined) throw error;
      const text = `${operation}: ${JSON.stringify(error.resource)} names nothing to which this operation applies`;
      throw new ServiceError(CLIENTS[service]?.errors.invalid ?? 'ValidationException', text, 400);
    }
    const output = (await implementation.handle(input, call)) ?? {};
    count('ok');
    if (fault === 'timeout-after') throw new ConnectionError('ECONNRESET', hostName(request));
    if (fault === 'kill-after') throw killed(request);
    return output;
  } catch (error) {
    if (error instanceof ServiceError) count(error.code);
    throw error;
  }
}

/** What a fault does instead of the call. */
function strikeBefore(fault: CallFaultKind | undefined, request: Performance): void {
  switch (fault) {
    case 'throttle':
      throw throttled(request.service);
    case 'error-500':
      throw new ServiceError(
        CLIENTS[request.service]?.errors.internal ?? 'InternalFailure',
        'We encountered an internal error. Please try again.',
        500,
      );
    case 'timeout-before':
      throw new ConnectionError('ETIMEDOUT', hostName(request));
    case 'kill-before':
      throw killed(request);
    case 'conflict':
      throw request.site.find(request.service).conflict!(request.operation, request.input);
    default:
  }
}

const killed = ({ invocation = '', service, operation }: Performance) => new LambdaKilled(invocation, `${service}:${operation}`);
const hostName = ({ service, site }: Performance) => `${CLIENTS[service]?.hosts?.[0] ?? service}.${site.region}.amazonaws.com`;

function throttled(service: string): ServiceError {
  const [code, status] = CLIENTS[service]?.errors.throttled ?? ['ThrottlingException', 400];
  return new ServiceError(code, 'Rate exceeded', status);
}

/** @throws ServiceError SerializationException for what the schema does not know, the service's own error for what breaks a constraint */
function checkInput(model: Model, operation: OperationModel, input: object): void {
  const found = misfit(operation.input, input, true);
  if (found !== undefined) throw new ServiceError('SerializationException', `${operation.name}: ${place(found)}`, 400);
  if (satisfied(model.service, operation.input, input)) return;
  const broken = violations(model.service, operation.input, input);
  const refusal = broken.length === 0 ? undefined : refusalOf(model, broken);
  if (refusal !== undefined) throw refusal;
}

function checkOutput(model: Model, operation: OperationModel, output: object): void {
  const found = misfit(operation.output, output);
  if (found !== undefined)
    throw new Error(`bug in local AWS: the output of ${model.service}.${operation.name} does not fit its schema: ${place(found)}`);
}

const place = ({ path, text }: Misfit) => (path === '' ? text : `${path}: ${text}`);

/** The name of the role or user, or the service principal: how people speak of a caller. */
export function nameOf(principal: Principal): string {
  if (principal.kind === 'anonymous') return 'anonymous';
  const arn = principal.roleArn ?? principal.arn;
  return arn.slice(Math.max(arn.lastIndexOf('/'), arn.lastIndexOf(':')) + 1);
}

const requestIds = (world: World): Random => world.part('request ids', () => world.random.fork('requests'));
