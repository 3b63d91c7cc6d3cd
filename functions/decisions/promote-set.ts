/** Promotes what one environment runs into another, all of it or nothing. */

import { createHash } from 'node:crypto';
import { releaseExecution } from '../../domain/pipeline/names.ts';
import { bareRelease, type Release, releaseTitle, setRepository, shortDigest } from '../../domain/release/release.ts';
import type { ReleaseSet, ReleaseStart } from '../../domain/workflow/workflow.ts';
import { entry } from '../journal/entries.ts';
import { migratesAlone, migrationsDue } from '../migration/pending-migrations.ts';
import { type Caller, type Of, refused, type Said, type World } from './context.ts';
import { notSucceeded } from './succeeded.ts';

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
  if (stageOf(from) >= stageOf(to)) return refused(`${from} does not come before ${to} on the path; to go back, see shiplock rollback`);
  const wanted = Object.entries(manifest).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (wanted.length === 0) return refused(`nothing of ${from} was chosen`);
  if (wanted.length > LARGEST_SET) return refused(`${wanted.length} releases are too many for one set; choose at most ${LARGEST_SET}`);
  const runs = new Map((await ledger.manifest(from)).map((record) => [record.repository, record]));
  const members: Release[] = [];
  for (const [repository, digest] of wanted) {
    const record = runs.get(repository);
    if (record?.digest !== digest)
      return refused(
        `${from} ${record ? `runs ${releaseTitle(record)} by now` : `runs nothing of ${repository}`}, not ${shortDigest(digest)}; run the command again`,
      );
    if (!record.verified) return refused(`${releaseTitle(record)} is not verified in ${from}`);
    members.push(bareRelease(record));
  }
  const before = pipeline.path[stageOf(to) - 1];
  const missing = before?.environments.includes(from) ? undefined : await notSucceeded(world, before?.environments ?? [], members);
  if (missing)
    return refused(
      `${releaseTitle(missing)} has not succeeded in ${before?.name}, the stage before ${stage.name}; promote the set there first`,
    );
  // It would be refused when it goes in: better now than after people have said yes.
  for (const name of stage.environments)
    for (const member of members)
      if ((await migrationsDue(world, pipeline.environments[name]!, member)).length > 0) return refused(migratesAlone(member, name));
  const repository = setRepository(from);
  const digest = `sha256:${createHash('sha256').update(wanted.flat().join('\n')).digest('hex')}`;
  const known = await ledger.release(repository, digest);
  if (known?.state === 'in-progress')
    return refused(`this set is in progress already: ${known.waitsFor ? `it waits for ${known.waitsFor}` : 'it moves'}`);
  const attempt = (known?.attempt ?? 0) + 1;
  const execution = releaseExecution(repository, digest, attempt);
  const set: ReleaseSet = { from, members, at: new Date(now).toISOString() };
  const start: ReleaseStart = { repository, digest, attempt, stages: [stage.name], cause: 'person', set };
  if (!(await workflows.start(machines.release, execution, start))) return refused(`${execution} has run before; run the command again`);
  const text = `${members.map(releaseTitle).join(', ')} ordered from ${from} into ${stage.name} as one set`;
  await journal.write(entry(execution, 'ordered', now, 'info', text, { stage: stage.name }, person.email));
  return { done: text, execution };
}
