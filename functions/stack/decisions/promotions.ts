/** Bringing a release somewhere by order: along the path, back to what ran before, or the same once more. */
import { createHash } from 'node:crypto';
import { mayNot } from '../../../domain/authority.ts';
import { orderedExecution, releaseExecution } from '../../../domain/names.ts';
import type { Environment } from '../../../domain/pipeline.ts';
import type { Ordered, PromotionRecord, RunningRecord } from '../../../domain/records.ts';
import { membersOf, type Release, releaseTitle, setRepository, shortDigest } from '../../../domain/release.ts';
import type { PromotionStart, ReleaseSet, ReleaseStart } from '../../../domain/workflow.ts';
import { migratesAlone, migrationsDue } from '../due.ts';
import { groupOf } from '../environment.ts';
import { entry, notActive } from '../words.ts';
import { atWork, stopPromotion } from './brake.ts';
import { type Caller, type Of, refused, type Said, type World } from './world.ts';

/** How far back promotions are looked through for what held before. */
const LOOK_BACK = 200;

/** A new attempt of a release, into the stage of an environment: its gate asks as always. */
export async function promote(world: World, { repository, digest, to, hotfix }: Of<'promote'>, { person, now }: Caller): Promise<Said> {
  const { pipeline, ledger, registry, workflows, machines, journal } = world;
  if (!Object.hasOwn(pipeline.repositories, repository)) return refused(`no repository ${repository} in this pipeline`);
  const index = pipeline.path.findIndex(({ environments }) => environments.includes(to));
  const stage = pipeline.path[index];
  if (stage === undefined) return refused(`${to} is not on the path of this pipeline`);
  const why = hotfix === undefined ? undefined : mayNot(pipeline, to, person, 'hotfix');
  if (why !== undefined) return refused(why);
  const name = `${repository}@${shortDigest(digest)}`;
  const image = await registry.image(repository, digest);
  if (image === undefined) return refused(`${name} is not in the registry; push it`);
  if (image.status !== 'ACTIVE') return refused(`${notActive(name, image.status)}, then try again`);
  const known = await ledger.release(repository, digest);
  if (known?.state === 'climbing')
    return refused(
      `${releaseTitle(known)} is on its way already: ${known.waitsFor ? `it waits for ${known.waitsFor}` : 'it moves'}; to send it elsewhere, stop it first: shiplock abort ${known.repository}@${known.tag}`,
    );
  const before = pipeline.path[index - 1];
  if (before !== undefined && hotfix === undefined && (await notHeld(world, before.environments, [{ repository, digest }])))
    return refused(
      `${name} has not held in ${before.name}, the stage before ${stage.name}; promote it there first, or say why this is a hot-fix`,
    );
  const attempt = (known?.attempt ?? 0) + 1;
  const execution = releaseExecution(repository, digest, attempt);
  const start: ReleaseStart = {
    repository,
    digest,
    attempt,
    stages: [stage.name],
    cause: 'person',
    ...(hotfix ? { hotfix: { by: person.email, reason: hotfix } } : {}),
  };
  if (!(await workflows.start(machines.release, execution, start))) return refused(`${execution} has run before; look again`);
  const title = known ? releaseTitle(known) : name;
  const text = `${title} ordered into ${stage.name}${hotfix ? `, past a freeze: ${hotfix}` : ''}`;
  await journal.write(entry(execution, 'ordered', now, 'info', text, { stage: stage.name }, person.email));
  return { done: text, execution };
}

/** At most so many releases move as one: they travel in the input of an execution, which takes 256 KiB. */
const LARGEST_SET = 200;

/** What one environment runs, exactly as the caller saw it, into another: all of it or nothing. */
export async function promoteSet(world: World, { from, to, manifest }: Of<'promote-set'>, { person, now }: Caller): Promise<Said> {
  const { pipeline, ledger, workflows, machines, journal } = world;
  const stageOf = (name: string) => pipeline.path.findIndex(({ environments }) => environments.includes(name));
  const stage = pipeline.path[stageOf(to)];
  if (!Object.hasOwn(pipeline.environments, from))
    return refused(`no environment ${from}; there are ${Object.keys(pipeline.environments).join(', ')}`);
  if (stage === undefined || stageOf(from) < 0) return refused(`${stage === undefined ? to : from} is not on the path of this pipeline`);
  if (stageOf(from) >= stageOf(to))
    return refused(`${from} does not come before ${to} on the path; see shiplock rollback for the way back`);
  const wanted = Object.entries(manifest).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (wanted.length === 0) return refused(`nothing of ${from} was chosen`);
  if (wanted.length > LARGEST_SET) return refused(`${wanted.length} releases are too many for one set; choose at most ${LARGEST_SET}`);
  const runs = new Map((await ledger.manifest(from)).map((record) => [record.repository, record]));
  const members: Release[] = [];
  for (const [repository, digest] of wanted) {
    const record = runs.get(repository);
    if (record?.digest !== digest)
      return refused(
        `${from} ${record ? `runs ${releaseTitle(record)} by now` : `runs nothing of ${repository}`}, not ${shortDigest(digest)}; look again`,
      );
    if (!record.verified) return refused(`${releaseTitle(record)} is not verified in ${from}`);
    members.push(bare(record));
  }
  const before = pipeline.path[stageOf(to) - 1];
  const unheld = before?.environments.includes(from) ? undefined : await notHeld(world, before?.environments ?? [], members);
  if (unheld)
    return refused(`${releaseTitle(unheld)} has not held in ${before?.name}, the stage before ${stage.name}; promote the set there first`);
  // It would be refused when it goes in: better now than after people have said yes.
  for (const name of stage.environments)
    for (const member of members)
      if ((await migrationsDue(world, pipeline.environments[name]!, member)).length > 0) return refused(migratesAlone(member, name));
  const repository = setRepository(from);
  const digest = `sha256:${createHash('sha256').update(wanted.flat().join('\n')).digest('hex')}`;
  const known = await ledger.release(repository, digest);
  if (known?.state === 'climbing')
    return refused(`this set is on its way already: ${known.waitsFor ? `it waits for ${known.waitsFor}` : 'it moves'}`);
  const attempt = (known?.attempt ?? 0) + 1;
  const execution = releaseExecution(repository, digest, attempt);
  const set: ReleaseSet = { from, members, at: new Date(now).toISOString() };
  const start: ReleaseStart = { repository, digest, attempt, stages: [stage.name], cause: 'person', set };
  if (!(await workflows.start(machines.release, execution, start))) return refused(`${execution} has run before; look again`);
  const text = `${members.map(releaseTitle).join(', ')} ordered from ${from} into ${stage.name} as one set`;
  await journal.write(entry(execution, 'ordered', now, 'info', text, { stage: stage.name }, person.email));
  return { done: text, execution };
}

/** A release without where it runs. */
const bare = ({
  environment: _environment,
  promotion: _promotion,
  since: _since,
  verified: _verified,
  ...release
}: RunningRecord): Release => release;

/** The first of these releases that has run and held in none of the environments. */
async function notHeld<Image extends Pick<Release, 'repository' | 'digest'>>(
  { ledger }: World,
  environments: readonly string[],
  releases: readonly Image[],
): Promise<Image | undefined> {
  const held = (await Promise.all(environments.map((environment) => releasesThatHeld(ledger, environment)))).flat();
  return releases.find((one) => !held.some(({ repository, digest }) => repository === one.repository && digest === one.digest));
}

/** Newest promotion first. */
const releasesThatHeld = async (ledger: World['ledger'], environment: string): Promise<Release[]> =>
  (await ledger.promotions(environment, LOOK_BACK))
    .filter(({ state }) => state === 'succeeded')
    .flatMap(({ release }) => membersOf(release));

/** Back to a release that held here before. What runs afterwards is pinned, lest the next push brings the same trouble back. */
export async function rollback(world: World, decision: Of<'rollback'>, caller: Caller): Promise<Said> {
  const { pipeline, ledger, journal } = world;
  const { person, now } = caller;
  const { environment: name, to, now: atOnce = false } = decision;
  const environment = pipeline.environments[name]!;
  const manifest = await ledger.manifest(name);
  const repository = decision.repository ?? (manifest.length === 1 ? manifest[0]?.repository : undefined);
  if (repository === undefined) return refused(`${name} runs ${manifest.map((one) => one.repository).join(', ') || 'nothing'}; say which`);
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
        `${releaseTitle(moving.release)} is on its way into ${name}: say --now to stop it and stay with ${running ? releaseTitle(running) : 'what ran before'}, or --to a release that held`,
      );
  }
  const target = await whatHeld(world, name, repository, to, running);
  if (target === undefined)
    return refused(
      to === undefined
        ? `nothing of ${repository} held in ${name} before ${running ? running.tag : 'now'}`
        : `${repository}@${shortDigest(to)} has not held in ${name} before; see shiplock history ${name}`,
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
 * Stops what goes in, and stays with what held before it began: that is put back as the promotion is settled, and pinned.
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

async function whatHeld(
  { ledger }: World,
  environment: string,
  repository: string,
  to: string | undefined,
  running: RunningRecord | undefined,
): Promise<Release | undefined> {
  const good = (await releasesThatHeld(ledger, environment)).filter((release) => release.repository === repository);
  return good.find(({ digest }) => (to === undefined ? digest !== running?.digest : digest === to));
}

/** The same releases, new tasks: of one service's group, or of everything. */
export async function restart(world: World, { environment: name, service, reason }: Of<'restart'>, caller: Caller): Promise<Said> {
  const { pipeline, ledger, journal } = world;
  const { person, now } = caller;
  const environment = pipeline.environments[name]!;
  if (service !== undefined && !Object.hasOwn(pipeline.services, service))
    return refused(`no service ${service}; there are ${Object.keys(pipeline.services).join(', ')}`);
  const manifest = await ledger.manifest(name);
  const groups = service === undefined ? Object.keys(pipeline.groups) : [pipeline.services[service]!.group];
  const releases = groups.flatMap((group) => {
    const first = manifest.find(({ repository }) => pipeline.groups[group]?.repositories.includes(repository));
    return first ? [first] : [];
  });
  if (releases.length === 0) return refused(`${service ?? 'nothing'} runs in ${name}`);
  const ordered: Ordered = { verb: 'restart', by: person.email, reason: reason ?? 'restarted' };
  const executions: string[] = [];
  for (const record of releases) executions.push(await order(world, environment, bare(record), ordered, now));
  const text = `${service ?? name} restarts with what it runs${reason ? `: ${reason}` : ''}`;
  await journal.write(entry(executions[0]!, 'ordered', now, 'info', text, { environment: name }, person.email));
  return { done: text, execution: executions[0]! };
}

/** Starts a promotion by itself, beside every path. @returns its name */
async function order(
  { workflows, machines, pipeline }: World,
  { name, stage, timeouts }: Environment,
  release: Release,
  ordered: Ordered,
  now: number,
): Promise<string> {
  const execution = orderedExecution(name, release.repository, release.digest, now);
  const start: PromotionStart = {
    release,
    environment: name,
    stage: pipeline.path.find(({ environments }) => environments.includes(name))?.name ?? stage,
    climb: execution,
    turnSeconds: timeouts.turnHours * 3600,
    ordered,
  };
  await workflows.start(machines.promotion, execution, start);
  return execution;
}
