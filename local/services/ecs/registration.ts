/** In whose name the targets of a service are managed: ECS's own, or an infrastructure role's. */
import { ServiceError } from '../../core/service.ts';
import type { EcsParts } from './parts.ts';
import type { Deployment } from './revision.ts';
import type { Service } from './service.ts';
import type { TaskOwner } from './task.ts';

type TargetAction = Parameters<TaskOwner['may']>[0];
const WORDS: Readonly<Record<TargetAction, string>> = {
  RegisterTargets: 'register targets in',
  DeregisterTargets: 'deregister targets in',
  DescribeTargetHealth: 'describe target health on',
};

/** Targets behind a load balancer with an infrastructure role are managed in that role. Where it may not, the service's events say so. */
export function mayUse(
  ecs: EcsParts,
  service: Service,
  { loadBalancers }: Deployment,
  action: TargetAction,
  targetGroupArn: string,
): boolean {
  const roleArn = loadBalancers.find((one) => one.targetGroupArn === targetGroupArn)?.advancedConfiguration?.roleArn;
  if (roleArn === undefined) return true;
  try {
    ecs.shifting.traffic.assertMay(action, roleArn, targetGroupArn);
    return true;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const [, group] = targetGroupArn.split('/');
    ecs.deployments.say(service, `failed to ${WORDS[action]} target-group ${group} with (error ${error.message})`);
    return false;
  }
}
