/** Aborts a release or a promotion that is in progress. What that leaves in ECS is recovered by `on-execution-ended`, or by the sweep. */

import { isPromotionOver, type PromotionRecord, type ReleaseRecord } from '../../domain/ledger/records.ts';
import { promotionExecution } from '../../domain/pipeline/names.ts';
import type { Person, Pipeline } from '../../domain/pipeline/pipeline.ts';
import { membersOf, releaseTitle } from '../../domain/release/release.ts';
import { ABORTED } from '../../domain/workflow/outcome.ts';
import { groupOf } from '../environment/clients.ts';
import { entry } from '../journal/entries.ts';
import { type Caller, type Of, refused, type Said, type World } from './context.ts';

/** Ends the run of a release, with all its promotions, or one promotion alone. */
export async function abort(world: World, { execution, reason }: Of<'abort'>, { person, now }: Caller): Promise<Said> {
  const { pipeline, ledger, workflows, machines, journal } = world;
  const why = reason ?? 'no reason given';
  const promotion = await ledger.promotion(execution);
  if (promotion !== undefined) {
    if (isPromotionOver(promotion)) return refused(`${titleOf(promotion)} is not in progress: ${endOf(promotion)}`);
    await stopPromotion(world, execution, person, why, now);
    const pinned = await pinToWhatRuns(world, promotion, why, { person, now });
    return { done: `${titleOf(promotion)} is aborted: ${why}${putBack([promotion])}${pinned}`, execution, stopped: true };
  }
  const inProgress = await ledger.inProgress();
  const release = inProgress.find((one) => one.execution === execution);
  if (release === undefined) return abortOrdered(world, inProgress, execution, why, { person, now });
  const stopped: PromotionRecord[] = [];
  for (const environment of Object.keys(pipeline.environments)) {
    const own = await ledger.promotion(promotionExecution(environment, execution));
    if (own === undefined || isPromotionOver(own)) continue;
    await stopPromotion(world, own.promotion, person, why, now);
    stopped.push(own);
  }
  await workflows.stop(executionArn(machines.release, execution), ABORTED, `aborted by ${person.email}: ${why}`);
  await journal.write(entry(execution, `aborted/${now}`, now, 'bad', `aborted: ${why}`, { release }, person.email));
  return { done: `${releaseTitle(release)} is aborted: ${why}${putBack(stopped)}`, execution, stopped: true };
}

/** A release whose run has ended may still be promoted by order: a rollback, or a restart. Otherwise the answer says how it ended, and what helps. */
async function abortOrdered(
  world: World,
  inProgress: readonly ReleaseRecord[],
  execution: string,
  why: string,
  { person, now }: Caller,
): Promise<Said> {
  const { pipeline, ledger, turns } = world;
  const release = (await ledger.releases()).find((one) => one.execution === execution);
  if (release === undefined) return refused(`no run or promotion named ${execution} is in progress; see shiplock status`);
  const name = `${release.repository}@${release.tag}`;
  const set = inProgress.find(({ members }) => members?.some(({ digest }) => digest === release.digest));
  if (set) return refused(`${name} is in progress in a ${releaseTitle(set)}, which is aborted as a whole: shiplock abort ${set.execution}`);
  const group = groupWith(pipeline, membersOf(release)[0]!.repository);
  const ordered: PromotionRecord[] = [];
  const runsIn: string[] = [];
  for (const environment of Object.values(pipeline.environments)) {
    for (const { id } of group ? await turns.groupTickets(environment, group.name) : []) {
      const one = await ledger.promotion(id);
      if (one && !isPromotionOver(one) && one.release.digest === release.digest) ordered.push(one);
    }
    if ((await ledger.running(environment.name, release.repository))?.digest === release.digest) runsIn.push(environment.name);
  }
  let pinned = '';
  for (const one of ordered) {
    await stopPromotion(world, one.promotion, person, why, now);
    pinned += await pinToWhatRuns(world, one, why, { person, now });
  }
  if (ordered.length > 0)
    return {
      done: `${ordered.map(titleOf).join(', ')} is aborted: ${why}${putBack(ordered)}${pinned}`,
      execution: ordered[0]!.promotion,
      stopped: true,
    };
  const last = runsIn.at(-1);
  const back = last
    ? `; it runs in ${runsIn.join(', ')}, to take it back: shiplock rollback ${last} --repository ${release.repository}`
    : '';
  return refused(`${name} is not in progress: ${endOf(release)}${back}`);
}

/** A rollback that is aborted leaves its environment where it is: its pin would keep out what runs. @returns what is said of it */
async function pinToWhatRuns(
  { ledger, journal }: World,
  { ordered, environment, release, promotion }: PromotionRecord,
  why: string,
  { person, now }: Caller,
): Promise<string> {
  if (ordered?.verb !== 'rollback') return '';
  const { pins } = await ledger.freezeAndPins(environment);
  const pin = pins.find(({ repository, digest }) => repository === release.repository && digest === release.digest);
  const running = await ledger.running(environment, release.repository);
  if (pin === undefined || running === undefined) return '';
  const reason = `the rollback to ${releaseTitle(release)}, which ${pin.by} ordered (${pin.reason}), was aborted: ${why}`;
  const changed = { digest: running.digest, by: person.email, at: new Date(now).toISOString(), reason };
  if (!(await ledger.changePin(pin, changed))) return `; its pin was changed meanwhile, and is left as it is`;
  const text = `${release.repository} in ${environment} stays pinned, now to ${running.tag}: ${reason}`;
  await journal.write(
    entry(`environment/${environment}`, `pinned/${promotion}/${now}`, now, 'waiting', text, { environment }, person.email),
  );
  return `; ${environment} stays pinned, to ${releaseTitle(running)}`;
}

const titleOf = ({ release, environment, ordered }: PromotionRecord) =>
  `${ordered ? `the ${ordered.verb} to ` : ''}${releaseTitle(release)} in ${environment}`;

const endOf = ({ state, endedAt, reason }: Pick<PromotionRecord | ReleaseRecord, 'state' | 'endedAt' | 'reason'>) =>
  `it ended${endedAt ? ` at ${endedAt}` : ''} as ${state}${reason ? `: ${reason}` : ''}`;

/** Where something has changed already, it is taken back, or out. */
function putBack(promotions: readonly PromotionRecord[]): string {
  const changed = promotions.filter(({ before }) => before !== undefined);
  const isNew = ({ before = {} }: PromotionRecord) => Object.values(before).every((previous) => previous === null);
  const where = (some: readonly PromotionRecord[]) => some.map(({ environment }) => environment).join(', ');
  const old = changed.filter((one) => !isNew(one));
  const added = changed.filter(isNew);
  return `${old.length > 0 ? `; what ran before is put back in ${where(old)}` : ''}${added.length > 0 ? `; it is taken out of ${where(added)}, where nothing ran before` : ''}`;
}

export async function stopPromotion(world: World, promotion: string, person: Person, why: string, now: number): Promise<void> {
  const { workflows, machines, journal, ledger } = world;
  const record = await ledger.promotion(promotion);
  const about = record ? { release: record.release, environment: record.environment, stage: record.stage } : {};
  await journal.write(entry(promotion, `aborted/${now}`, now, 'bad', `aborted: ${why}`, about, person.email));
  await workflows.stop(executionArn(machines.promotion, promotion), ABORTED, `aborted by ${person.email}: ${why}`);
}

/** The promotion that changes something of a repository in an environment at this moment: of a release, or of a set that it is a part of. */
export async function atWork(
  { ledger, turns, pipeline }: World,
  environment: string,
  repository: string,
): Promise<PromotionRecord | undefined> {
  const group = groupOf(pipeline, repository);
  const ticket = await turns.atWork(pipeline.environments[environment]!, group.name);
  const record = ticket && (await ledger.promotion(ticket.id));
  if (record === undefined || isPromotionOver(record)) return undefined;
  return membersOf(record.release).some((member) => group.repositories.includes(member.repository)) ? record : undefined;
}

/** Undefined where the pipeline does not know it any more. */
const groupWith = ({ groups }: Pipeline, repository: string) =>
  Object.values(groups).find(({ repositories }) => repositories.includes(repository));

const executionArn = (machine: string, name: string) => `${machine.replace(':stateMachine:', ':execution:')}:${name}`;
