/** Bundles handlers with esbuild, as they are bundled for AWS, and runs them in an environment with a door of the test's own. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { VirtualClock } from '../../../local/core/clock.ts';
import { ConnectionError, type HttpRequest, type HttpResponse } from '../../../local/core/http.ts';
import { Random } from '../../../local/core/random.ts';
import { Bundle } from '../../../local/runtime/bundle.ts';
import { Environment } from '../../../local/runtime/environment.ts';
import { FunctionLog } from '../../../local/runtime/log.ts';
import type { Outcome } from '../../../local/runtime/outcome.ts';

const root = new URL('../../../', import.meta.url).pathname;

/** Bundles TypeScript into a folder with `index.js`, beside `files` given by name. */
export async function bundled(source: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'local-aws-bundle-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  await build({
    stdin: { contents: source, resolveDir: root, loader: 'ts' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    external: ['./pipeline.json'],
    outfile: join(folder, 'index.js'),
    logLevel: 'error',
  });
  return folder;
}

/** Writes plain CommonJS as `index.js`. */
export function written(source: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'local-aws-code-'));
  writeFileSync(join(folder, 'index.js'), source);
  return folder;
}

export const start = Date.UTC(2026, 10, 2, 9, 0, 0);

export interface Rig {
  readonly clock: VirtualClock;
  readonly environment: Environment;
  readonly requests: HttpRequest[];
  readonly lines: string[];
  /** Invokes and lets virtual time run until the outcome is there. */
  invoke(event?: unknown, timeoutSeconds?: number): Promise<Outcome>;
}

/** An environment whose requests are answered by `answer`. */
export function rig(
  folder: string,
  {
    answer = () => {
      throw new ConnectionError('ENOTFOUND', 'nowhere');
    },
    seed = 7,
    handler = 'index.handler',
    runtime = 'nodejs24.x',
    clock = new VirtualClock(start),
    format = 'Text' as 'Text' | 'JSON',
  }: {
    answer?: (request: HttpRequest, clock: VirtualClock) => HttpResponse | Promise<HttpResponse>;
    seed?: number;
    handler?: string;
    runtime?: string;
    clock?: VirtualClock;
    format?: 'Text' | 'JSON';
  } = {},
): Rig {
  const requests: HttpRequest[] = [];
  const lines: string[] = [];
  const environment = new Environment({
    clock,
    random: new Random(seed),
    http: async (request) => {
      requests.push(request);
      return answer(request, clock);
    },
    bundle: new Bundle(folder),
    handler,
    runtime,
    variables: {
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'ASIAEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_SESSION_TOKEN: 'token',
      AWS_LAMBDA_FUNCTION_NAME: 'orders',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      STAGE: 'test',
    },
    log: new FunctionLog({ now: () => clock.now(), write: (more) => lines.push(...more), format }),
  });
  let count = 0;
  return {
    clock,
    environment,
    requests,
    lines,
    async invoke(event = {}, timeoutSeconds = 30) {
      const requestId = `00000000-0000-4000-a000-${String(++count).padStart(12, '0')}`;
      let outcome: Outcome | undefined;
      let failure: unknown;
      environment
        .invoke({
          requestId,
          payload: JSON.stringify(event),
          timeoutSeconds,
          traceId: 'Root=1-00000000-000000000000000000000000;Sampled=0',
          context: {
            functionName: 'orders',
            functionVersion: '$LATEST',
            invokedFunctionArn: 'arn:aws:lambda:eu-central-1:111111111111:function:orders',
            memoryLimitInMB: '256',
            logGroupName: '/aws/lambda/orders',
            logStreamName: 'stream',
            awsRequestId: requestId,
          },
        })
        .then(
          (value) => {
            outcome = value;
          },
          (error) => {
            failure = error;
          },
        );
      await clock.run({ done: () => outcome !== undefined || failure !== undefined });
      if (outcome === undefined) throw failure ?? new Error('the invocation never ended');
      return outcome;
    },
  };
}

/** The value a handler returned, or the error it failed with. */
export function value(outcome: Outcome): unknown {
  return outcome.kind === 'returned' ? JSON.parse(outcome.payload) : outcome.error;
}

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): HttpResponse => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.0', ...headers },
  body: new TextEncoder().encode(JSON.stringify(body)),
});
