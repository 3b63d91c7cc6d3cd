/** Decides a rollback: back to a release that succeeded in an environment before, or stay with what runs and stop what comes. */

import type { Ordered, PromotionRecord, RunningRecord } from '../../domain/ledger/records.ts';
import type { Environment } from '../../domain/pipeline/pipeline.ts';
import { membersOf, type Release, releaseTitle, shortDigest } from '../../domain/release/release.ts';
import { groupOf } from '../environment/clients.ts';
import { entry } from '../journal/entries.ts';
import { atWork, stopPromotion } from './abort.ts';
import { type Caller, type Of, refused, type Said, type World } from './context.ts';
import { order } from './order.ts';
import { releasesThatSucceeded } from './succeeded.ts';

/** Back to a release that succeeded here before. The environment is pinned to it, so that the next push does not bring the same fault back. */
export async function rollback(world: World, decision: Of<'rollback'>, caller: Caller): Promise<Said> {
  const { pipeline, ledger, journal } = world;
  const { person, now } = caller;
  const { environment: name, to, now: atOnce = false } = decision;
  const environment = pipeline.environments[name]!;
  const manifest = await ledger.manifest(name);
  const repository = decision.repository ?? (manifest.length === 1 ? manifest[0]?.repository : undefined);
  if (repository === undefined)
    return refused(`${name} runs ${manifest.map((one) => one.repository).join(', ') || 'nothing'}; choose one with --repository`);
  const reason = decision.reason ?? 'rolled back';
  const moving = await atWork(world, name, repository);
  // Read after it: what is not at work any more is here by now.
  let running = await ledger.running(name, repository);
  if (moving?.ordered?.verb === 'rollback' && to === undefined)
    return refused(
      `${name} goes back to ${releaseTitle(moving.release)} already, as ${moving.ordered.by} ordered; follow it: shiplock wait ${moving.promotion}`,
    );
  // A restart brings nothing new, nor does what moves together with it: then what ran before is meant.
  const isNew =
    moving !== undefined && moving.ordered === undefined && membersOf(moving.release).some((member) => member.repository === repository);
  if (isNew && (to ?? running?.digest) === running?.digest) {
    if (atOnce) {
      const stayed = await stayWith(world, moving, { running, repository, reason }, caller);
      if (stayed) return stayed;
      // It runs: what is asked for is to go back from it, as from anything that runs.
      running = await ledger.running(name, repository);
    } else if (to === undefined)
      return refused(
        `${releaseTitle(moving.release)} is being promoted into ${name}: add --now to stop it and keep ${running ? releaseTitle(running) : 'what ran before'}, or --to with a release that succeeded there`,
      );
  }
  const target = await whatSucceeded(world, name, repository, to, running);
  if (target === undefined)
    return refused(
      to === undefined
        ? `no release of ${repository} succeeded in ${name} before ${running ? running.tag : 'now'}`
        : `${repository}@${shortDigest(to)} has not succeeded in ${name} before; see shiplock history ${name}`,
    );
  if (atOnce) await stopAll(world, environment, repository, moving, caller);
  const at = new Date(now).toISOString();
  await ledger.putPin({ environment: name, repository, digest: target.digest, by: person.email, at, reason });
  const ordered: Ordered = { verb: 'rollback', by: person.email, reason };
  const execution = await order(world, environment, target, ordered, now);
  const text = `${name} goes back to ${releaseTitle(target)}${running ? ` from ${running.tag}` : ''}, and is pinned to it: ${reason}`;
  await journal.write(entry(execution, 'ordered', now, 'waiting', text, { environment: name }, person.email));
  return { done: text, execution };
}

/**
 * Stops the promotion in progress and keeps the last verified release: that is put back when the promotion is recovered, and pinned.
 * @returns undefined if it had come to its good end before it could be stopped: then it runs
 */
async function stayWith(
  world: World,
  moving: PromotionRecord,
  { running, repository, reason }: { readonly running: RunningRecord | undefined; readonly repository: string; readonly reason: string },
  caller: Caller,
): Promise<Said | undefined> {
  const { pipeline, ledger, journal } = world;
  const { person, now } = caller;
  const name = moving.environment;
  await stopAll(world, pipeline.environments[name]!, repository, moving, caller);
  // Its last function writes down first what runs, and then its end.
  if ((await ledger.running(name, repository))?.promotion === moving.promotion) return undefined;
  const at = new Date(now).toISOString();
  if (running) await ledger.putPin({ environment: name, repository, digest: running.digest, by: person.email, at, reason });
  const stays = running
    ? `${name} stays with ${releaseTitle(running)}, and is pinned to it`
    : `nothing of ${repository} ran in ${name} before`;
  const text = `${releaseTitle(moving.release)} is stopped; ${stays}: ${reason}`;
  await journal.write(entry(moving.promotion, `rolled-back/${now}`, now, 'waiting', text, { environment: name }, person.email));
  const further = running ? `; to go further back: shiplock rollback ${name} --repository ${repository} --to TAG` : '';
  return { done: `${text}${further}`, execution: moving.promotion, stopped: true };
}

/** Stops what goes in or waits to: of a repository's group, or the set that it is a part of. */
async function stopAll(
  world: World,
  environment: Environment,
  repository: string,
  moving: PromotionRecord | undefined,
  { person, now }: Caller,
): Promise<void> {
  const tickets = await world.turns.groupTickets(environment, groupOf(world.pipeline, repository).name);
  for (const id of new Set([...(moving ? [moving.promotion] : []), ...tickets.map((ticket) => ticket.id)]))
    await stopPromotion(world, id, person, `${environment.name} is rolled back now`, now);
}

async function whatSucceeded(
  { ledger }: World,
  environment: string,
  repository: string,
  to: string | undefined,
  running: RunningRecord | undefined,
): Promise<Release | undefined> {
  const good = (await releasesThatSucceeded(ledger, environment)).filter((release) => release.repository === repository);
  return good.find(({ digest }) => (to === undefined ? digest !== running?.digest : digest === to));
}
