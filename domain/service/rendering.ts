/** Renders CreateService's and UpdateService's inputs: values before effects. `plan` prints the same values that the functions send. */
import { environmentName, fingerprint } from '../pipeline/names.ts';
import type { Environment, Foundation, Pipeline, ServiceDefinition } from '../pipeline/pipeline.ts';
import { strategyOf } from '../rollout/choice.ts';
import { atOnce, rolling, rollingAgain, type Shift, WAY_BACK } from '../rollout/rollout.ts';

export interface ServiceParts {
  readonly pipeline: Pipeline;
  readonly environment: Environment;
  readonly service: ServiceDefinition;
  readonly foundation: Foundation;
  /** Of a web service. */
  readonly targetGroupArn: string | undefined;
  /** The revision's exact ARN, never the family's newest. */
  readonly taskDefinition: string;
  readonly promotion: string;
  /** How it gets there. @default as its strategy rolls; where traffic shifts, {@link WAY_BACK}, which asks nobody */
  readonly shift?: Shift;
}

function deploymentConfiguration({ environment, service, shift }: ServiceParts) {
  if (shift) return shift.deploymentConfiguration;
  const strategy = strategyOf(environment, service);
  if (strategy.kind !== 'rolling') return WAY_BACK.deploymentConfiguration;
  // A release that never succeeded may have given ECS a pause and alarms; no record tells of it.
  return service.web ? rollingAgain(environment, strategy.earlySuccess).deploymentConfiguration : rolling(environment, strategy);
}

function loadBalancers({ service: { web }, targetGroupArn, shift }: ServiceParts) {
  if (web === undefined || targetGroupArn === undefined) return {};
  const advanced = shift?.advancedConfiguration && { advancedConfiguration: shift.advancedConfiguration };
  return { loadBalancers: [{ targetGroupArn, containerName: web.container, containerPort: web.port, ...advanced }] };
}

/** UpdateService's input. It never says how many tasks, so that a promotion never shrinks a service that was scaled. */
export function renderUpdateService(parts: ServiceParts) {
  const { pipeline, environment, service, taskDefinition } = parts;
  return {
    cluster: environmentName(pipeline.name, environment.name),
    service: service.name,
    taskDefinition,
    deploymentConfiguration: deploymentConfiguration(parts),
    ...(parts.shift?.advancedConfiguration ? loadBalancers(parts) : {}),
    ...(service.web ? { healthCheckGracePeriodSeconds: service.web.graceSeconds } : {}),
  };
}

/** UpdateService's input that brings a service back from zero: with a new deployment, as a change of the count alone has no event. */
export function renderWakeService(parts: ServiceParts) {
  return { ...renderUpdateService(parts), desiredCount: countIn(parts), forceNewDeployment: true };
}

/** CreateService's input. A first rollout has nobody to share traffic with: all of it shifts at once, after the same checks. */
export function renderCreateService(parts: ServiceParts) {
  const { pipeline, environment, service, foundation, taskDefinition, promotion } = parts;
  const { cluster, service: serviceName, ...rest } = renderUpdateService(parts.shift ? { ...parts, shift: atOnce(parts.shift) } : parts);
  return {
    cluster,
    serviceName,
    ...rest,
    taskDefinition,
    desiredCount: countIn(parts),
    launchType: 'FARGATE',
    networkConfiguration: {
      awsvpcConfiguration: { subnets: [...foundation.subnets], securityGroups: [...foundation.securityGroups], assignPublicIp: 'ENABLED' },
    },
    ...loadBalancers(parts),
    propagateTags: 'TASK_DEFINITION',
    clientToken: clientToken(`${pipeline.name}/${promotion}/${service.name}`),
    tags: [
      { key: 'shiplock:pipeline', value: pipeline.name },
      { key: 'shiplock:environment', value: environment.name },
    ],
  };
}

const countIn = ({ service, environment }: ServiceParts) => service.count[environment.name] ?? 1;

/** At most 36 characters; the same for the same promotion and service, so that a retry creates nothing twice. */
const clientToken = (text: string) => `${fingerprint(text)}-${text.slice(-22).replace(/[^A-Za-z0-9-]/g, '-')}`;
