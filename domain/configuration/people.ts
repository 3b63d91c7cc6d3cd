/** Who may decide, and whether enough of them ever can. */
import type { ApprovalRule, Person } from '../pipeline/pipeline.ts';

type Report = (place: string, message: string) => void;

/** An author is found whatever the case of his address: two people who differ only by it would be one. */
export function checkAddresses(people: Readonly<Record<string, Person>>, report: Report): void {
  const known = new Map<string, string>();
  for (const email of Object.keys(people)) {
    const other = known.get(email.toLowerCase());
    if (other !== undefined)
      report(
        `people.${email}`,
        `differs from ${other} only by its case, and both would count as author of the same change; keep one of them`,
      );
    known.set(email.toLowerCase(), email);
  }
}

/** Why a rule can never, or for whoever of the approvers wrote the change never, be met; undefined where it can. */
export function unmetBy({ approvers, quorum, notAuthor }: ApprovalRule): string | undefined {
  if (approvers.length < quorum) return `${quorum} people are asked for, and ${approvers.length} may approve; name more approvers`;
  if (notAuthor && quorum > 1 && approvers.length === quorum)
    return `${quorum} people are asked for, none of whom wrote the change, and ${approvers.length} may approve: what one of them wrote could never enter; name more approvers`;
  return undefined;
}
