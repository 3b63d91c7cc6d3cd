/** How a deployment moves traffic from what runs to what shall run: the strategies of ECS, and what each needs to know. */
import type { Environment, ServiceDefinition } from './pipeline.ts';
import type { Parsed } from './schema.ts';
import { suggestion } from './suggestion.ts';

/** Task by task, given up by the circuit breaker after {@link Environment.failureThreshold} failed tasks. */
export interface Rolling {
  readonly kind: 'rolling';
  /** It has held as soon as all new tasks are healthy; the old ones stop afterwards. @default false */
  readonly earlySuccess: boolean;
}

/** A second set of tasks beside the first, tested at a listener of its own before any customer meets it. */
export interface Shifting {
  readonly kind: 'blue-green' | 'canary' | 'linear';
  /** Minutes that the old tasks are kept after all traffic has shifted, while alarms may bring it back. @default 5 */
  readonly bakeMinutes: number;
  /** Percent of the traffic of a canary (0.1–100, 5 if left out), or of one step of linear (3–100, 10 if left out); 100 for blue/green. */
  readonly percent: number;
  /** Minutes after a canary or between two steps of linear. @default 10, 6 for linear, 0 for blue/green */
  readonly stepBakeMinutes: number;
  /** A person looks at the test listener before traffic shifts; the environment's approvers may. @default false */
  readonly look: boolean;
  /** Minutes that ECS waits at the test listener for checks and people before it rolls back. @default 60, a day with `look` */
  readonly pauseMinutes: number;
}

export type Strategy = Rolling | Shifting;

export const STRATEGIES = ['rolling', 'blue-green', 'canary', 'linear'] as const;

const DEFAULTS = {
  'blue-green': { percent: 100, stepBakeMinutes: 0 },
  canary: { percent: 5, stepBakeMinutes: 10 },
  linear: { percent: 10, stepBakeMinutes: 6 },
} as const;

type Written = NonNullable<Parsed['environments'][string]['strategy']>;

/** Fills in what was left out, and reports keys that say nothing under this strategy. */
export function completeStrategy(written: Written, place: string, report: (place: string, message: string) => void): Strategy {
  const { kind, ...keys } = typeof written === 'string' ? { kind: written } : written;
  const known = STRATEGIES.find((name) => name === kind);
  if (known === undefined) {
    const where = typeof written === 'string' ? place : `${place}.kind`;
    report(where, `unknown value "${kind}"${suggestion(kind, STRATEGIES) || `; one of ${STRATEGIES.join(', ')}`}`);
    return { kind: 'rolling', earlySuccess: false };
  }
  const idle = Object.keys(keys).filter((key) => !(KEYS[known] as readonly string[]).includes(key));
  for (const key of idle) report(`${place}.${key}`, `says nothing under "${known}", which takes ${KEYS[known].join(', ')}`);
  const { earlySuccess = false, bakeMinutes, percent, stepBakeMinutes, look = false, pauseMinutes } = keys as Partial<Shifting & Rolling>;
  if (known === 'rolling') return { kind: known, earlySuccess };
  if (known === 'linear' && percent !== undefined && percent < 3)
    report(`${place}.percent`, `${percent} is less than 3, the least that ECS shifts at a step`);
  return {
    kind: known,
    bakeMinutes: bakeMinutes ?? 5,
    percent: percent ?? DEFAULTS[known].percent,
    stepBakeMinutes: stepBakeMinutes ?? DEFAULTS[known].stepBakeMinutes,
    look,
    pauseMinutes: pauseMinutes ?? (look ? 1440 : 60),
  };
}

const KEYS = {
  rolling: ['earlySuccess'],
  'blue-green': ['bakeMinutes', 'look', 'pauseMinutes'],
  canary: ['bakeMinutes', 'percent', 'stepBakeMinutes', 'look', 'pauseMinutes'],
  linear: ['bakeMinutes', 'percent', 'stepBakeMinutes', 'look', 'pauseMinutes'],
} as const;

/** The strategy of a service in an environment. What takes no requests has no traffic to shift: it is rolled. */
export function strategyOf(environment: Environment, service: ServiceDefinition): Strategy {
  const strategy = service.strategy[environment.name] ?? environment.strategy;
  return service.web || strategy.kind === 'rolling' ? strategy : { kind: 'rolling', earlySuccess: false };
}

/** The same where traffic shifts; undefined where tasks are rolled. */
export function shiftingOf(environment: Environment, service: ServiceDefinition): Shifting | undefined {
  const strategy = strategyOf(environment, service);
  return strategy.kind === 'rolling' ? undefined : strategy;
}

/** Minutes from the moment that a deployment may go on to its end, if all goes well; starting and stopping tasks comes on top. */
export function shiftMinutes({ kind, bakeMinutes, percent, stepBakeMinutes }: Shifting): number {
  // A canary has one step before all traffic shifts, however small; at 100 % there is none to wait for.
  const steps = Math.ceil(100 / percent) - 1;
  return bakeMinutes + stepBakeMinutes * (kind === 'canary' ? Math.min(1, steps) : steps);
}

const LOOK = ':look';

/** The gate at which a person looks: in the same records as approvals, under a stage that no path can name. */
export const lookStage = (environment: string) => `${environment}${LOOK}`;

/** A gate as people call it: `live`, or `the shift of traffic in live`. */
export const gateName = (stage: string): string => (stage.endsWith(LOOK) ? `the shift of traffic in ${lookedAt(stage)}` : stage);

/** The environment of such a gate; undefined for a stage. */
export const lookedAt = (stage: string): string | undefined => (stage.endsWith(LOOK) ? stage.slice(0, -LOOK.length) : undefined);
