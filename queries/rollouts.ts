/** How far deployments are whose traffic shifts, as ECS says: the weight now, the step, and what it waits for. */
import { Ecs } from '../aws/ecs.ts';
import { type Progress, progress } from '../aws/rollouts.ts';
import type { WaitRecord } from '../domain/ledger/records.ts';
import { environmentName } from '../domain/pipeline/names.ts';
import { shiftingOf } from '../domain/rollout/choice.ts';
import type { Shifting } from '../domain/rollout/strategy.ts';
import type { Readers } from './readers.ts';

export interface Rollout {
  readonly service: string;
  readonly strategy: Shifting['kind'];
  /** As ECS names it; absent while it is not known. */
  readonly stage?: string;
  /** Of customers' traffic, to the new tasks. */
  readonly productionPercent?: number;
  readonly testPercent?: number;
  /** Which of so many weights it has now; 0 before the first. */
  readonly step: number;
  readonly steps: number;
  /** What it does or waits for, in words. */
  readonly does: string;
  /** When that ends at the latest, if it is known. ISO 8601 */
  readonly until?: string;
}

/** Nothing where ECS cannot be asked. @param waits of services whose traffic shifts */
export async function rollouts(readers: Readers, environment: string, waits: readonly WaitRecord[]): Promise<Rollout[]> {
  const { pipeline, connection } = readers;
  if (connection === undefined) return [];
  const ecs = new Ecs(connection);
  const cluster = environmentName(pipeline.name, environment);
  return Promise.all(
    waits.map(async (wait): Promise<Rollout> => {
      const { service, hook, state } = wait;
      const strategy = strategyOf(readers, environment, service);
      const known = { service, strategy: strategy.kind, step: 0, steps: weightsOf(strategy).length };
      if (state === 'succeeded')
        return { ...known, step: known.steps, productionPercent: 100, testPercent: 100, does: 'all traffic has shifted' };
      try {
        const deployment = hook?.deployment ?? (await ecs.deploymentStatus(cluster, wait)).deployment;
        const seen = deployment === undefined ? undefined : await progress(ecs, deployment);
        return seen === undefined ? { ...known, does: 'begins' } : { ...known, ...inWords(strategy, seen) };
      } catch (error) {
        // Whoever may not ask ECS still sees the rest.
        if ((error as Error).name !== 'AccessDeniedException') throw error;
        return { ...known, does: 'shifts traffic; the weight is not shown, as you may not ask ECS' };
      }
    }),
  );
}

function strategyOf({ pipeline }: Readers, environment: string, service: string): Shifting {
  const [place, definition] = [pipeline.environments[environment], pipeline.services[service]];
  const strategy = place && definition ? shiftingOf(place, definition) : undefined;
  if (strategy === undefined) throw new Error(`${service} does not shift traffic in ${environment}`);
  return strategy;
}

/** Percents of the traffic that it comes through. */
export function weightsOf({ kind, percent }: Pick<Shifting, 'kind' | 'percent'>): number[] {
  if (kind === 'blue-green') return [100];
  if (kind === 'canary') return percent < 100 ? [percent, 100] : [100];
  return Array.from({ length: Math.ceil(100 / percent) }, (_, index) => Math.min(100, percent * (index + 1)));
}

/** In words; times are those that ECS said last, and the strategy's. */
export function inWords(strategy: Shifting, seen: Progress): Omit<Rollout, 'service' | 'strategy' | 'steps'> {
  const weights = weightsOf(strategy);
  const { stage, productionPercent, testPercent } = seen;
  const step = weights.filter((weight) => weight <= productionPercent).length;
  const base = { stage, productionPercent, testPercent, step };
  const after = (minutes: number) =>
    seen.updatedAt === undefined ? {} : { until: new Date(seen.updatedAt + minutes * 60_000).toISOString() };
  if (seen.goesBack) return { ...base, does: 'goes back to what ran before' };
  switch (stage) {
    case 'RECONCILE_SERVICE':
      return { ...base, does: 'puts its traffic in order first' };
    case 'PRE_SCALE_UP':
    case 'SCALE_UP':
    case 'POST_SCALE_UP':
      return { ...base, does: 'starts the new tasks' };
    case 'TEST_TRAFFIC_SHIFT':
      return { ...base, does: 'leads the test listener to the new tasks' };
    case 'POST_TEST_TRAFFIC_SHIFT':
      return seen.paused
        ? {
            ...base,
            does: `waits at the test listener for its checks${strategy.confirm ? ' and a confirmation' : ''}`,
            ...after(strategy.pauseMinutes),
          }
        : { ...base, does: 'is at the test listener' };
    case 'PRODUCTION_TRAFFIC_SHIFT': {
      const next = weights[step];
      if (step === 0 || next === undefined) return { ...base, does: 'shifts traffic' };
      return { ...base, does: `bakes, then ${next} %`, ...after(strategy.stepBakeMinutes) };
    }
    case 'BAKE_TIME':
      return { ...base, does: 'bakes; old tasks stop', ...after(strategy.bakeMinutes) };
    case 'POST_PRODUCTION_TRAFFIC_SHIFT':
      return { ...base, does: 'has shifted all traffic' };
    case 'CLEAN_UP':
      return { ...base, does: 'stops the old tasks' };
    default:
      return { ...base, does: stage === '' ? 'begins' : `is at ${stage}` };
  }
}
