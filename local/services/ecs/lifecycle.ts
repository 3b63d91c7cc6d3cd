/** How far a deployment that shifts traffic has come: its stage, its weights, its hooks, and how the API shows them. */
import type {
  DeploymentLifecycleHook,
  DeploymentLifecycleHookDetail,
  DeploymentLifecycleHookStage,
  ServiceDeploymentLifecycleStage,
} from '@aws-sdk/client-ecs';
import type { Course } from './course.ts';
import type { Deployment } from './revision.ts';
import { typeOf } from './strategy.ts';
import type { Route } from './traffic.ts';

/** The client's constant lacks one stage that AWS documents. */
export type Stage = ServiceDeploymentLifecycleStage | 'PRE_PRODUCTION_TRAFFIC_SHIFT';

/** One hook at one time that its stage is reached. */
export interface HookRun {
  /** `ecs-pause-…` or `ecs-lambda-…` */
  readonly id: string;
  readonly hook: DeploymentLifecycleHook;
  readonly stage: DeploymentLifecycleHookStage;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  status: 'AWAITING_ACTION' | 'IN_PROGRESS' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT';
  /** Somebody decided about a pause. */
  decide?: (action: 'CONTINUE' | 'ROLLBACK') => void;
}

export interface Lifecycle {
  /** What ran before, and what a rollback goes back to; undefined for a first deployment. */
  readonly blue: Deployment | undefined;
  readonly green: Deployment;
  /** Others that were half deployed when this one began: left alone until no traffic goes to them, then they end. */
  readonly others: readonly Deployment[];
  othersEnd: boolean;
  /** The deployments whose tasks are kept at the desired count; those of the others are stopped. */
  readonly keeps: Set<Deployment>;
  readonly reached: Set<Stage>;
  stage: Stage | undefined;
  routes: readonly Route[];
  /** Percentages of green, as last asked of the load balancers. */
  production: number;
  test: number;
  /** Oldest first. */
  readonly hooks: HookRun[];
  course: Course;
}

/** The weights of a revision. */
export const weightsOfDeployment = ({ green, blue, production, test, routes }: Lifecycle, deployment: Deployment) => {
  const tests = routes.some((route) => route.test !== undefined);
  if (deployment === green) return { requestedProductionTrafficWeight: production, requestedTestTrafficWeight: test };
  if (deployment !== blue) return { requestedProductionTrafficWeight: 0, requestedTestTrafficWeight: 0 };
  return { requestedProductionTrafficWeight: 100 - production, requestedTestTrafficWeight: tests ? 100 - test : 0 };
};

export const describeHook = ({ id, hook, status, expiresAt }: HookRun): DeploymentLifecycleHookDetail => ({
  hookId: id,
  targetType: typeOf(hook),
  ...(hook.hookTargetArn === undefined ? {} : { targetArn: hook.hookTargetArn }),
  status,
  expiresAt: new Date(expiresAt),
  timeoutAction: hook.timeoutConfiguration?.action ?? 'ROLLBACK',
});
