/** Why an order would be refused as it stands, in words: what the pipeline would say no to. */

import { whatKeepsOut } from '../../domain/environment/freeze-and-pin.ts';
import type { ApprovalRecord, RunningRecord } from '../../domain/ledger/records.ts';
import type { Environment } from '../../domain/pipeline/pipeline.ts';
import { compareOrders } from '../../domain/release/order.ts';
import { membersOf, type Release, releaseTitle, shortDigest } from '../../domain/release/release.ts';
import type { Readers } from '../readers.ts';
import type { Order } from './types.ts';

/** How far back promotions are looked through, as the pipeline does. */
const LOOK_BACK = 200;

/** What the decide function would say no to. */
export async function refusalsOf(
  readers: Readers,
  { release, to, from, hotfix }: Order,
  gate: ApprovalRecord | undefined,
): Promise<string[]> {
  const { pipeline, ledger } = readers;
  const known = await ledger.release(release.repository, release.digest);
  const said: string[] = [];
  // Who asks what waits for them orders nothing.
  const asked = isAsked(gate, release);
  if (known?.state === 'in-progress' && !asked)
    said.push(`${releaseTitle(known)} is in progress already: ${known.waitsFor ? `it waits for ${known.waitsFor}` : 'it moves'}`);
  const index = pipeline.path.findIndex(({ environments }) => environments.includes(to));
  const before = pipeline.path[index - 1];
  if (before !== undefined && hotfix === undefined && !asked && !before.environments.includes(from ?? '')) {
    const missing = await notSucceededIn(readers, before.environments, release);
    const way = from === undefined ? 'promote it there first, or give the reason for a --hotfix' : 'promote the set there first';
    if (missing) said.push(`${releaseTitle(missing)} has not succeeded in ${before.name}, the stage before; ${way}`);
  }
  if (from !== undefined && pipeline.path.findIndex(({ environments }) => environments.includes(from)) >= index)
    said.push(`${from} does not come before ${to} on the path; to go back, see shiplock rollback`);
  if (readers.connection === undefined) return said;
  const { Registry } = await import('../../aws/ecr.ts');
  const registry = new Registry(readers.connection);
  for (const member of membersOf(release)) {
    const image = await registry.image(member.repository, member.digest);
    const name = `${member.repository}@${shortDigest(member.digest)}`;
    if (image === undefined) said.push(`${name} is not in the registry any more; push it again`);
    else if (image.status !== 'ACTIVE') said.push(`${name} is archived; restore it in ECR, then retry`);
  }
  return said;
}

/** The first member that has succeeded in none of them. */
async function notSucceededIn({ ledger }: Readers, environments: readonly string[], release: Release): Promise<Release | undefined> {
  const promotions = (await Promise.all(environments.map((name) => ledger.promotions(name, LOOK_BACK)))).flat();
  const held = promotions.filter(({ state }) => state === 'succeeded').flatMap(({ release: own }) => membersOf(own));
  return membersOf(release).find(
    (member) => !held.some(({ repository, digest }) => repository === member.repository && digest === member.digest),
  );
}

export const isAsked = (gate: ApprovalRecord | undefined, { digest }: Release) =>
  gate?.state === 'waiting' && gate.release.digest === digest;

/** What keeps it out of an environment. */
export async function refusalsIn(
  { ledger, now }: Readers,
  { name }: Environment,
  { release, hotfix }: Order,
  manifest: readonly RunningRecord[],
): Promise<string[]> {
  const holds = await ledger.freezeAndPins(name);
  const how = hotfix === undefined ? {} : { hotfix: { by: '', reason: hotfix } };
  return membersOf(release).flatMap((member) => {
    const held = whatKeepsOut(holds, member, how, now());
    const running = manifest.find(({ repository }) => repository === member.repository);
    const newer = running && member.order !== '' && compareOrders(running.order, member.order) > 0;
    return [
      ...(held ? [held] : []),
      ...(newer ? [`${name} runs ${releaseTitle(running)}, which is newer than ${member.tag}; to go back: shiplock rollback ${name}`] : []),
    ];
  });
}
