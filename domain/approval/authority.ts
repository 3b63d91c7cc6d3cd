/** Who may order what, beside the gates: an environment that asks people before it lets releases in listens to those alone. */
import type { Person, Pipeline } from '../pipeline/pipeline.ts';

export const STRANGER = 'nobody of this pipeline’s people has this identity; add it under `people` in shiplock.config.ts';

/** Orders that only hold something back, or bring something up: everybody of the pipeline may give them. */
const CAREFUL = ['freeze', 'abort', 'pin', 'wake', 'extend', 'promote', 'promote-set'] as const;
/** Orders that change what runs, or let something pass: for an environment's approvers, where it has some. */
const WEIGHTY = ['thaw', 'unpin', 'rollback', 'restart', 'teardown', 'hotfix'] as const;

export type Order = (typeof CAREFUL)[number] | (typeof WEIGHTY)[number];

/** @returns why not; undefined if they may */
export function mayNot(pipeline: Pipeline, environment: string, person: Person, order: Order): string | undefined {
  const approvers = pipeline.environments[environment]?.approval?.approvers;
  if (approvers === undefined || (CAREFUL as readonly string[]).includes(order) || approvers.includes(person.email)) return undefined;
  return `${person.email} may not order this for ${environment}; it listens to ${approvers.join(', ')}`;
}
