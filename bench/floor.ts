/**
 * The floor under a release on local AWS: its SDK calls alone. What its Lambdas asked of AWS is sent again by the same clients,
 * bundled and run in realms as functions are, and an answer from memory comes at once: what local AWS costs lies above it.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { bundleFunctions } from '../infra/bundle.ts';
import type { Clock } from '../local/core/clock.ts';
import { endpointOf } from '../local/core/endpoint.ts';
import { INVOCATION_HEADER } from '../local/core/faults.ts';
import type { HttpRequest, HttpResponse } from '../local/core/http.ts';
import { credential } from '../local/core/iam/identities.ts';
import { CLIENTS } from '../local/core/protocols/clients.ts';
import { inflated } from '../local/core/protocols/encoding.ts';
import { modelFor } from '../local/core/protocols/former.ts';
import { modelOf } from '../local/core/protocols/model.ts';
import { address } from '../local/core/protocols/wire.ts';
import { Random } from '../local/core/random.ts';
import type { World } from '../local/core/world.ts';
import { Bundle } from '../local/runtime/bundle.ts';
import { Environment } from '../local/runtime/environment.ts';
import { FunctionLog } from '../local/runtime/log.ts';

const root = join(import.meta.dirname, '..');
const require = createRequire(import.meta.url);

/** One request of a Lambda to AWS, and what came back. */
interface Call {
  readonly service: string;
  readonly operation: string;
  /** In the shape of the SDK. */
  readonly input: unknown;
  readonly response: HttpResponse;
}

interface Invocation {
  /** Number of its function. */
  readonly function: number;
  readonly calls: Call[];
}

/** What the Lambdas of a world ask of AWS while `work` goes on: by invocation, in the order of their first calls. */
async function recorded(world: World, work: () => Promise<unknown>): Promise<readonly Invocation[]> {
  const invocations = new Map<string, Invocation>();
  const functions = new Map<string, number>();
  const { http } = world;
  world.http = async (request) => {
    const response = await http.call(world, request);
    const invocation = request.headers[INVOCATION_HEADER];
    const service = endpointOf(request.host)?.service;
    if (invocation === undefined || service === undefined) return response;
    let known = invocations.get(invocation);
    if (known === undefined) {
      const [, key = ''] = /Credential=([^/]+)\//.exec(request.headers.authorization ?? '') ?? [];
      const role = credential(world, key)?.principal.roleArn ?? '';
      if (!functions.has(role)) functions.set(role, functions.size);
      known = { function: functions.get(role)!, calls: [] };
      invocations.set(invocation, known);
    }
    const { operation, read } = address(modelFor(modelOf(service)!, request), inflated(request));
    known.calls.push({ service, operation: operation.name, input: read(false), response });
    return response;
  };
  try {
    await work();
  } finally {
    world.http = http;
  }
  return [...invocations.values()];
}

/** A value as source text. */
function literal(value: unknown): string {
  if (value instanceof Date) return `new Date(${value.getTime()})`;
  if (value instanceof Uint8Array) return `Buffer.from(${JSON.stringify(Buffer.from(value).toString('base64'))}, 'base64')`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([name, one]) => `${JSON.stringify(name)}: ${literal(one)}`)
      .join(', ')} }`;
  return JSON.stringify(value);
}

/** The exported name of a service's client. */
const clientName = (service: string): string =>
  Object.keys(require(CLIENTS[service]!.client) as object).find((name) => /^[A-Z]\w*Client$/.test(name))!;

/** The source of a function that makes the calls of its invocations: which of them, its event says by number. */
function source(invocations: readonly (readonly Call[])[]): string {
  const calls = invocations.flat();
  const services = [...new Set(calls.map(({ service }) => service))];
  const operations = (service: string) => [...new Set(calls.filter((one) => one.service === service).map(({ operation }) => operation))];
  const lines = invocations.map(
    (one) => `[${one.map(({ service, operation, input }) => `[clients.${service}, ${operation}Command, ${literal(input)}]`).join(',\n')}],`,
  );
  return [
    `import { clientSettings } from ${JSON.stringify(join(root, 'aws/clients.ts'))};`,
    ...services.map((service) => {
      const names = [clientName(service), ...operations(service).map((name) => `${name}Command`)];
      return `import { ${names.join(', ')} } from '${CLIENTS[service]!.client}';`;
    }),
    `const clients = { ${services.map((service) => `${service}: new ${clientName(service)}(clientSettings({}))`).join(', ')} };`,
    `const invocations = [${lines.join('\n')}];`,
    'export const handler = async (index) => {',
    '  for (const [client, Command, input] of invocations[index]) await client.send(new Command(input)).catch((error) => error);',
    '};',
  ].join('\n');
}

/** What clients read of a Lambda's environment: it makes their requests what they are, trace and user agent included. */
const VARIABLES = {
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: `ASIA${'0'.repeat(16)}`,
  AWS_SECRET_ACCESS_KEY: '0'.repeat(40),
  AWS_SESSION_TOKEN: `local${'0'.repeat(64)}`,
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_LAMBDA_FUNCTION_NAME: 'bench-floor',
};

const TRACE = `Root=1-69242e80-${'0'.repeat(24)};Parent=${'0'.repeat(16)};Sampled=0`;

/** An execution environment, and the answers that its next calls get. */
class Replay {
  private readonly environment: Environment;
  private readonly invocations: readonly (readonly Call[])[];
  private waiting: Call[] = [];

  constructor(clock: Clock, folder: string, invocations: readonly (readonly Call[])[]) {
    this.invocations = invocations;
    this.environment = new Environment({
      clock,
      random: new Random(1),
      http: (request) => this.answer(request),
      bundle: new Bundle(folder),
      handler: 'index.handler',
      runtime: 'nodejs24.x',
      variables: VARIABLES,
      log: new FunctionLog({ now: () => clock.now(), write: () => undefined }),
    });
    const failed = this.environment.start();
    if (failed !== undefined) throw new Error(failed.errorMessage);
  }

  private async answer({ host }: HttpRequest): Promise<HttpResponse> {
    const call = this.waiting.shift();
    if (call?.service !== endpointOf(host)?.service) throw new Error(`a call to ${host} came out of its order`);
    return call!.response;
  }

  async invoke(index: number): Promise<void> {
    this.waiting = [...this.invocations[index]!];
    const outcome = await this.environment.invoke({
      requestId: 'floor',
      payload: String(index),
      timeoutSeconds: 60,
      traceId: TRACE,
      context: {
        functionName: 'floor',
        functionVersion: '1',
        invokedFunctionArn: '',
        memoryLimitInMB: '512',
        logGroupName: '',
        logStreamName: '',
        awsRequestId: 'floor',
      },
    });
    if (outcome.kind === 'failed') throw new Error(outcome.error.errorMessage);
    if (this.waiting.length > 0) throw new Error(`${this.waiting.length} calls were not made`);
  }

  end(): void {
    this.environment.retire();
  }
}

export class Floor {
  /** How many calls a run makes. */
  readonly calls: number;
  private readonly replays: readonly Replay[];
  /** Function and number of each invocation, in the order of the release. */
  private readonly order: readonly (readonly [number, number])[];
  private readonly folder: string;

  private constructor(folder: string, replays: readonly Replay[], order: Floor['order'], calls: number) {
    this.folder = folder;
    this.replays = replays;
    this.order = order;
    this.calls = calls;
  }

  /** The floor under `release`, which is done once. */
  static async under(world: World, pipeline: Pipeline, release: () => Promise<unknown>): Promise<Floor> {
    const invocations = await recorded(world, release);
    const byFunction: Call[][][] = [];
    const order = invocations.map(({ function: index, calls }) => {
      byFunction[index] ??= [];
      return [index, byFunction[index].push(calls) - 1] as const;
    });
    const folder = await mkdtemp(join(root, 'node_modules/.floor-'));
    await mkdir(join(folder, 'functions'));
    await Promise.all(byFunction.map((calls, index) => writeFile(join(folder, `functions/${index}.ts`), source(calls))));
    const folders = await bundleFunctions(pipeline, join(folder, 'functions'), join(folder, 'bundles'));
    const replays = byFunction.map((calls, index) => new Replay(world.clock, folders[index]!, calls));
    return new Floor(folder, replays, order, invocations.flatMap(({ calls }) => calls).length);
  }

  /** Makes all the calls once. */
  async run(): Promise<void> {
    for (const [replay, index] of this.order) await this.replays[replay]!.invoke(index);
  }

  async close(): Promise<void> {
    for (const replay of this.replays) replay.end();
    await rm(this.folder, { recursive: true, force: true });
  }
}
