/** Names that only templates use; those that functions and people also need are in domain/pipeline/names.ts. */

/** What stands between the words of a name, as letters and digits; a hyphen before a letter needs none but the capital. */
const SEPARATORS: Readonly<Record<string, string>> = { '-': '', '/': 's', '.': 'd', _: 'u' };

/**
 * `acme` → `Acme`, `live-eu` → `LiveEu`: for logical ids, which are letters and digits. Never the same for two names:
 * what a capital alone does not say, a `Z` begins (`api-1` → `ApiZ1`, `team/orders` → `TeamZsorders`, `a-z` → `AZz`).
 * @param name lower-case words and numbers, apart by one of `-/._`
 */
export const pascal = (name: string): string =>
  name
    .replace(/^[a-z]/, (first) => first.toUpperCase())
    .replace(/([-/._]+)([A-Za-z0-9])/g, (_, separator: string, next: string) => {
      if (separator === '-' && /[a-yA-Y]/.test(next)) return next.toUpperCase();
      return `Z${separator
        .split('')
        .map((one) => SEPARATORS[one])
        .join('')}${next}`;
    });

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
export const deploymentRule = (pipeline: string, shard: number) => `${pipeline}-ecs-deployment${shard === 0 ? '' : `-${shard + 1}`}`;
/** Hears of migrations that have ended. */
export const migrationRule = (pipeline: string) => `${pipeline}-migration-ended`;
export const hookRule = (pipeline: string, shard: number) => `${pipeline}-ecs-hook${shard === 0 ? '' : `-${shard + 1}`}`;
export const taskRule = (pipeline: string, shard: number) => `${pipeline}-ecs-task${shard === 0 ? '' : `-${shard + 1}`}`;
export const executionRule = (pipeline: string) => `${pipeline}-execution-ended`;
export const sweepSchedule = (pipeline: string) => `${pipeline}-sweep`;
export const closingSchedule = (pipeline: string, environment: string) => `${pipeline}-${environment}-close`;
export const openingSchedule = (pipeline: string, environment: string) => `${pipeline}-${environment}-open`;
