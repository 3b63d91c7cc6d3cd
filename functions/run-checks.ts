/** Verification over HTTP: sends the configured checks to the environment's load balancer; and explains why a build failed. */
import * as z from 'zod/mini';
import { Ledger } from '../aws/ledger.ts';
import { Logs } from '../aws/logs.ts';
import { buildProject } from '../domain/pipeline/names.ts';
import type { HttpCheck, Pipeline } from '../domain/pipeline/pipeline.ts';
import { httpChecksOf } from '../domain/promotion/checks.ts';
import { failedBuild } from '../domain/promotion/failure-reasons.ts';
import { shiftingOf } from '../domain/rollout/choice.ts';
import { shiftMinutes } from '../domain/rollout/strategy.ts';
import { BuildDue, VerificationFailed } from '../domain/workflow/errors.ts';
import { environmentOf, groupsOf } from './environment/clients.ts';
import { promotionSchema } from './handler/inputs.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';

const Input = z.extend(promotionSchema, {
  /** Before traffic shifts: the listener that leads to what is new. */
  listener: z.optional(z.literal('test')),
  /** The load balancer's, and the port of its test listener. */
  host: z.string(),
  testPort: z.optional(z.number()),
  /** A build that failed, as Step Functions was told: nothing is asked, it is only explained. */
  build: z.optional(
    z.object({
      project: z.string(),
      group: z.optional(z.string()),
      stream: z.optional(z.string()),
      phases: z.array(z.object({ phase: z.string(), message: z.optional(z.string()) })),
    }),
  ),
});

/** A single answer may take ten seconds. */
const PATIENCE = 10_000;
const BETWEEN_ATTEMPTS = 2_000;
/** Of the minute that the function has: a check that has not passed by then has failed, and is named. */
const ALL_TOGETHER = 45_000;

export interface RunChecksOutput {
  /** The CodeBuild project that verifies next; null where there is none. */
  readonly project: string | null;
  readonly checks: number;
  /** Where it was asked. */
  readonly url: string;
  /** What comes after the test listener; absent after the checks of what runs. */
  readonly next?: {
    /** Whether a person has to confirm before traffic shifts, and how long there is. */
    readonly confirm: boolean;
    readonly confirmSeconds: number;
    /** When that ends: it begins with ECS's pause, not with the question. Milliseconds since the epoch. */
    readonly confirmUntil: number;
    /** How long shifting and baking may take. */
    readonly shiftSeconds: number;
  };
}

/** Seconds before the end of ECS's patience at which ours ends, so that its reason is ours to tell. */
const BEFORE_ECS = 60;

interface World {
  readonly pipeline: Pipeline;
  readonly ledger: Pick<Ledger, 'setPromotion' | 'wait'>;
  readonly logs: Pick<Logs, 'lastLines'>;
  readonly fetch: typeof fetch;
  readonly pause: (milliseconds: number) => Promise<void>;
}

/** @throws BuildDue if what runs has still to be verified by a build; VerificationFailed naming the first check that failed, and what came instead; or what a build said */
export const runChecks =
  ({ pipeline, ledger, logs, fetch, pause }: World) =>
  async (input: z.infer<typeof Input>, { now }: Moment): Promise<RunChecksOutput> => {
    const { promotion, environment: name, release, listener, host, testPort, build } = input;
    if (build) throw new VerificationFailed(await explained(build, logs));
    const begun = now();
    const left = timeLeft(now);
    const { verification } = environmentOf(pipeline, name);
    const services = groupsOf(pipeline, release).flatMap((group) => group.services);
    // Requests alone take less than a minute: what is over so soon is not written down.
    if (listener || verification.build) await ledger.setPromotion(promotion, { state: 'verifying' });
    const checks = httpChecksOf(verification, services);
    const url = `http://${host}${listener ? `:${testPort}` : ''}`;
    if (checks.length > 0) {
      for (const check of checks) {
        const failure = await failureOf(check, `${url}${check.path}`, { fetch, pause, left });
        if (failure !== undefined)
          throw new VerificationFailed(`check ${check.path} in ${name}${listener ? ' at the test listener' : ''}: ${failure}`);
      }
    }
    const project = verification.build ? buildProject(pipeline.name, name, verification.build) : null;
    if (project !== null && !listener) throw new BuildDue(project);
    return {
      project,
      checks: checks.length,
      url,
      ...(listener ? { next: await nextOf({ pipeline, ledger }, name, services, begun) } : {}),
    };
  };

/** Lines that are read at the end of a build's log: the last few are CodeBuild's own. */
const LAST_LINES = 50;

async function explained(
  { project, group, stream, phases: [first] }: NonNullable<z.infer<typeof Input>['build']>,
  logs: Pick<Logs, 'lastLines'>,
): Promise<string> {
  // An explanation that cannot be had must not keep anybody waiting.
  const lines = group && stream ? await logs.lastLines(group, stream, LAST_LINES).catch(() => []) : [];
  return failedBuild({ project, lines, ...(first ? { phase: first.phase, message: first.message ?? '' } : {}) });
}

async function nextOf(
  { pipeline, ledger }: Pick<World, 'pipeline' | 'ledger'>,
  name: string,
  services: readonly string[],
  begun: number,
): Promise<RunChecksOutput['next']> {
  const environment = environmentOf(pipeline, name);
  const pausing = services.flatMap((service) => {
    const definition = pipeline.services[service];
    const shifting = definition && shiftingOf(environment, definition);
    return shifting ? [{ service, shifting }] : [];
  });
  const shifting = pausing.map((one) => one.shifting);
  // Each pauses since a moment of its own; where no event told since when, it is taken to be now.
  const ends = pausing.map(async ({ service, shifting: { pauseMinutes } }) => {
    const since = (await ledger.wait(name, service))?.pausedAt ?? begun;
    return since + pauseMinutes * 60_000;
  });
  return {
    confirm: shifting.some(({ confirm }) => confirm),
    confirmSeconds: Math.min(...shifting.map(({ pauseMinutes }) => pauseMinutes)) * 60 - BEFORE_ECS,
    confirmUntil: Math.min(...(await Promise.all(ends))) - BEFORE_ECS * 1000,
    shiftSeconds: (Math.max(...shifting.map(shiftMinutes)) + environment.timeouts.deployMinutes) * 60,
  };
}

/** @returns milliseconds that are left for all checks */
function timeLeft(now: Moment['now']): () => number {
  const until = now() + ALL_TOGETHER;
  return () => until - now();
}

type Asking = Pick<World, 'fetch' | 'pause'> & { readonly left: () => number };

/** @returns undefined if the check passed, else what came instead at the last attempt */
async function failureOf(check: HttpCheck, url: string, { fetch, pause, left }: Asking): Promise<string | undefined> {
  const together = `; all checks together have ${ALL_TOGETHER / 1000} s`;
  if (left() <= 0) return `it was not asked, as those before it took too long${together}`;
  for (let attempt = 1; ; attempt++) {
    const failure = await ask(check, url, fetch, Math.min(PATIENCE, left()));
    if (failure === undefined || attempt >= check.attempts) return failure;
    if (left() <= BETWEEN_ATTEMPTS) return `${failure}, at attempt ${attempt} of ${check.attempts}${together}`;
    await pause(BETWEEN_ATTEMPTS);
  }
}

async function ask({ status, contains }: HttpCheck, url: string, fetcher: typeof fetch, patience: number): Promise<string | undefined> {
  try {
    const response = await fetcher(url, { redirect: 'manual', signal: AbortSignal.timeout(Math.ceil(patience)) });
    const body = await response.text();
    if (response.status !== status) return `HTTP ${response.status} instead of ${status}`;
    if (contains !== undefined && !body.includes(contains)) return `the answer does not contain “${contains}”`;
    return undefined;
  } catch (error) {
    return `no answer (${(error as Error).message})`;
  }
}

export const handler = step('run-checks', Input, () =>
  runChecks({
    pipeline: readPipeline(),
    ledger: new Ledger(setting('LEDGER_TABLE')),
    logs: new Logs(),
    fetch: globalThis.fetch,
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  }),
);
