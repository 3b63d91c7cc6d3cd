/** Promotes one release into the stage of an environment, along the path. */

import { mayNot } from '../../domain/approval/authority.ts';
import { releaseExecution } from '../../domain/pipeline/names.ts';
import { releaseTitle, shortDigest } from '../../domain/release/release.ts';
import type { ReleaseStart } from '../../domain/workflow/workflow.ts';
import { entry, notActive } from '../journal/entries.ts';
import { type Caller, type Of, refused, type Said, type World } from './context.ts';
import { notSucceeded } from './succeeded.ts';

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
  if (known?.state === 'in-progress')
    return refused(
      `${releaseTitle(known)} is in progress already: ${known.waitsFor ? `it waits for ${known.waitsFor}` : 'it moves'}; to promote it elsewhere, abort it first: shiplock abort ${known.repository}@${known.tag}`,
    );
  const before = pipeline.path[index - 1];
  if (before !== undefined && hotfix === undefined && (await notSucceeded(world, before.environments, [{ repository, digest }])))
    return refused(
      `${name} has not succeeded in ${before.name}, the stage before ${stage.name}; promote it there first, or give the reason for a hot-fix with --hotfix`,
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
  if (!(await workflows.start(machines.release, execution, start))) return refused(`${execution} has run before; run the command again`);
  const title = known ? releaseTitle(known) : name;
  const text = `${title} ordered into ${stage.name}${hotfix ? `, past a freeze: ${hotfix}` : ''}`;
  await journal.write(entry(execution, 'ordered', now, 'info', text, { stage: stage.name }, person.email));
  return { done: text, execution };
}
