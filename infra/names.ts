/** Names that only templates use; those that functions and people also need are in domain/names.ts. */

/** `acme` → `Acme`, `live-eu` → `LiveEu`: for logical ids. */
export const pascal = (name: string): string =>
  name
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

/** Events and schedules that could not be delivered to their target. */
export const undeliveredQueue = (pipeline: string) => `${pipeline}-undelivered`;

/** Events that arrived, and whose function failed every try. */
export const unhandledQueue = (pipeline: string) => `${pipeline}-unhandled`;

/** With which Step Functions runs one of the workflows. */
export const workflowRole = (pipeline: string, workflow: string) => `${pipeline}-workflow-${workflow}`;

/** With which EventBridge Scheduler starts sweeps, teardowns and wakes. */
export const schedulerRole = (pipeline: string) => `${pipeline}-scheduler`;

/** With which CodeBuild runs the verification builds of one environment. */
export const buildRole = (pipeline: string, environment: string) => `${pipeline}-${environment}-build`;

export const imagePushRule = (pipeline: string, shard: number) => `${pipeline}-image-push${shard === 0 ? '' : `-${shard + 1}`}`;
export const deploymentRule = (pipeline: string) => `${pipeline}-ecs-deployment`;
export const executionRule = (pipeline: string) => `${pipeline}-execution-ended`;
export const sweepSchedule = (pipeline: string) => `${pipeline}-sweep`;
export const closingSchedule = (pipeline: string, environment: string) => `${pipeline}-${environment}-close`;
export const openingSchedule = (pipeline: string, environment: string) => `${pipeline}-${environment}-open`;
