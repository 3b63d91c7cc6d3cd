/** Deployments of ECS that shift traffic: how far they are, and that they may go on. Apart from `ecs.ts`, as few functions need them. */
import { ContinueServiceDeploymentCommand, DescribeServiceDeploymentsCommand } from '@aws-sdk/client-ecs';
import type { PausedHook } from '../domain/ledger/records.ts';
import type { Ecs } from './ecs.ts';

/** How far a deployment is whose traffic shifts. */
export interface Progress {
  /** As ECS names it, such as `BAKE_TIME`. */
  readonly stage: string;
  /** Of the new revision, as ECS has asked for it. */
  readonly productionPercent: number;
  readonly testPercent: number;
  /** It goes back to what ran before. */
  readonly goesBack?: true;
  /** When it last went on. Milliseconds since the epoch. */
  readonly updatedAt?: number;
  readonly paused?: PausedHook;
}

/**
 * How far a deployment is whose traffic shifts, asked once: for people who watch it, and for a pause whose event was lost.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
 */
export async function progress({ client }: Pick<Ecs, 'client'>, deployment: string): Promise<Progress | undefined> {
  const { serviceDeployments = [] } = await client.send(new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [deployment] }));
  const [one] = serviceDeployments;
  if (one === undefined) return undefined;
  const waiting = one.lifecycleHookDetails?.find(({ status }) => status === 'AWAITING_ACTION');
  return {
    stage: one.lifecycleStage ?? '',
    productionPercent: one.targetServiceRevision?.requestedProductionTrafficWeight ?? 0,
    testPercent: one.targetServiceRevision?.requestedTestTrafficWeight ?? 0,
    ...(one.status?.startsWith('ROLLBACK_') ? { goesBack: true as const } : {}),
    ...(one.updatedAt ? { updatedAt: one.updatedAt.getTime() } : {}),
    ...(waiting?.hookId ? { paused: { hookId: waiting.hookId, deployment } } : {}),
  };
}

/** The alarms that brought a deployment back, asked once when it has broken. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeploymentAlarms.html */
export async function triggeredAlarms({ client }: Pick<Ecs, 'client'>, deployment: string): Promise<string[]> {
  const { serviceDeployments = [] } = await client.send(new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [deployment] }));
  return serviceDeployments[0]?.alarms?.triggeredAlarmNames ?? [];
}

/** Lets a deployment go on that pauses. @returns false if it pauses no more: it goes on already, or was brought to an end */
export async function proceed({ client }: Pick<Ecs, 'client'>, { deployment, hookId }: PausedHook): Promise<boolean> {
  try {
    await client.send(new ContinueServiceDeploymentCommand({ serviceDeploymentArn: deployment, hookId, action: 'CONTINUE' }));
    return true;
  } catch (error) {
    const { name, message } = error as Error;
    if (
      !/completed, unavailable|terminal states/i.test(message) &&
      name !== 'ConflictException' &&
      name !== 'ServiceDeploymentNotFoundException'
    )
      throw error;
    return false;
  }
}
