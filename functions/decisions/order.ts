/** Promotions that a person orders beside the path: rollbacks and restarts. */
import type { Ordered } from '../../domain/ledger/records.ts';
import { orderedExecution } from '../../domain/pipeline/names.ts';
import type { Environment } from '../../domain/pipeline/pipeline.ts';
import type { Release } from '../../domain/release/release.ts';
import type { PromotionStart } from '../../domain/workflow/workflow.ts';
import type { World } from './context.ts';

/** Starts a promotion by itself, beside every path. @returns its name */
export async function order(
  { workflows, machines, pipeline }: World,
  { name, stage, timeouts }: Environment,
  release: Release,
  ordered: Ordered,
  now: number,
): Promise<string> {
  const execution = orderedExecution(name, release.repository, release.digest, now);
  const start: PromotionStart = {
    release,
    environment: name,
    stage: pipeline.path.find(({ environments }) => environments.includes(name))?.name ?? stage,
    releaseRun: execution,
    turnSeconds: timeouts.turnHours * 3600,
    ordered,
  };
  await workflows.start(machines.promotion, execution, start);
  return execution;
}
