/** What an order would wait for: people, sleep, hours, turns. */

import { approvalOf } from '../../domain/database/databases.ts';
import { isOpen, nextOpening } from '../../domain/environment/hours.ts';
import type { ApprovalRecord } from '../../domain/ledger/records.ts';
import type { ApprovalRule, Environment, Group } from '../../domain/pipeline/pipeline.ts';
import { compareOrders } from '../../domain/release/order.ts';
import { type Release, releaseTitle } from '../../domain/release/release.ts';
import type { Readers } from '../readers.ts';
import { isAsked } from './refusals.ts';
import type { Order, Wait } from './types.ts';

/** Whom the stage asks. */
export function gateOf({ pipeline }: Readers, { release }: Order, stage: string, gate: ApprovalRecord | undefined): Wait[] {
  const rule = approvalOf(pipeline, stage, release.repository);
  if (rule === undefined) return [];
  return [{ what: 'approval', text: `approval for ${stage} by ${askedText(rule, release)}${standingText(gate, release)}` }];
}

function askedText({ approvers, quorum, notAuthor, expiresHours }: ApprovalRule, { author, members }: Release): string {
  const wrote = members ? undefined : author;
  const number = quorum > 1 ? `${quorum} of ` : '';
  const not = notAuthor ? `, not by ${wrote ? `its author (${wrote})` : 'whoever wrote it'}` : '';
  return `${number}${approvers.join(', ')}${not}, within ${expiresHours} h`;
}

/** What has come to the gate before. */
function standingText(gate: ApprovalRecord | undefined, release: Release): string {
  if (gate?.state !== 'waiting') return '';
  if (isAsked(gate, release)) return `; asked already: shiplock approve ${gate.approval}`;
  return compareOrders(gate.release.order, release.order) > 0
    ? `; ${releaseTitle(gate.release)}, which is newer, waits there and would supersede it`
    : `; ${releaseTitle(gate.release)} waits there and would be superseded`;
}

/** Sleep, hours and turns. */
export async function waitsIn(readers: Readers, environment: Environment, release: Release, groups: readonly Group[]): Promise<Wait[]> {
  const { turns, now } = readers;
  const { name, onDemand } = environment;
  const found: Wait[] = [];
  const state = await turns.state(environment);
  if (state !== 'up') {
    if (onDemand && onDemand.outside === 'wait' && !isOpen(onDemand.hours, now()))
      found.push({ what: 'hours', text: `the morning: ${name} opens at ${new Date(nextOpening(onDemand.hours, now())).toISOString()}` });
    else if (state === 'waking') found.push({ what: 'wake', text: `${name}, which wakes` });
    else found.push({ what: 'wake', text: `${name} to ${state === 'down' ? 'wake' : 'be down, and to wake again'}` });
  }
  const tickets = [
    ...(await turns.tickets(environment)),
    ...(await Promise.all(groups.map((group) => turns.groupTickets(environment, group.name)))).flat(),
  ];
  const others = tickets.filter(
    ({ candidate }) => candidate === undefined || candidate.repository !== release.repository || candidate.title !== releaseTitle(release),
  );
  const ahead = [...new Set(others.map(({ id, candidate }) => candidate?.title ?? id))];
  if (ahead.length > 0) found.push({ what: 'turn', text: `its turn in ${name}, behind ${ahead.join(', ')}` });
  return found;
}
