/** Admission: checks that the image exists and can run, reads its labels, fixes its order, and plans its path. */
import * as z from 'zod/mini';
import { isRunnable } from '../aws/ecr.ts';
import { LabelledImages } from '../aws/image-labels.ts';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { approvalOf } from '../domain/database/databases.ts';
import type { ReleaseRecord } from '../domain/ledger/records.ts';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { orderOf } from '../domain/release/order.ts';
import { type Release, releaseTitle, shortDigest } from '../domain/release/release.ts';
import { matchesTag } from '../domain/release/tags.ts';
import { ReleaseRefused } from '../domain/workflow/errors.ts';
import type { ReleaseSet, ReleaseWorkflow, StagePlan } from '../domain/workflow/workflow.ts';
import { byHandSchema, setSchema } from './handler/inputs.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { entry, notActive } from './journal/entries.ts';

const Input = z.object({
  repository: z.string(),
  digest: z.string(),
  attempt: z.number(),
  stages: z.nullable(z.array(z.string())),
  cause: z.enum(['push', 'sweep', 'person']),
  execution: z.string(),
  hotfix: z.nullish(byHandSchema),
  set: z.nullish(setSchema),
});

export type AdmitReleaseOutput = Pick<ReleaseWorkflow, 'release' | 'plan'>;

interface World {
  readonly pipeline: Pipeline;
  readonly registry: Pick<LabelledImages, 'image' | 'config'>;
  readonly ledger: Pick<Ledger, 'release' | 'releaseWrites' | 'table'>;
  readonly journal: Pick<Journal, 'writeWith'>;
}

export const admitRelease =
  ({ pipeline, registry, ledger, journal }: World) =>
  async (input: z.infer<typeof Input>, { now }: Moment): Promise<AdmitReleaseOutput> => {
    const release = input.set ? await admitSet(registry, input.set, input) : await admitImage(pipeline, registry, input);
    const before = await ledger.release(release.repository, release.digest);
    if (before !== undefined && before.attempt > input.attempt)
      throw new ReleaseRefused(`attempt ${before.attempt} of ${releaseTitle(release)} is newer than this one`);
    const plan = pipeline.path
      .filter(({ name: stage }) => input.stages === null || input.stages.includes(stage))
      .map(({ name: stage, environments }): StagePlan => {
        const approval = approvalOf(pipeline, stage, release.repository);
        return {
          stage,
          environments: environments.map((environment) => ({
            environment,
            turnSeconds: (pipeline.environments[environment]?.timeouts.turnHours ?? 96) * 3600,
          })),
          approval: approval !== undefined,
          approvalSeconds: (approval?.expiresHours ?? 1) * 3600,
        };
      });
    const record: ReleaseRecord = {
      ...release,
      state: 'in-progress',
      admittedAt: before?.execution === input.execution ? before.admittedAt : new Date(now()).toISOString(),
      execution: input.execution,
      attempt: input.attempt,
      ...(input.hotfix ? { hotfix: input.hotfix } : {}),
      ...present('stage', plan[0]?.stage),
    };
    const text = `admitted${input.cause === 'sweep' ? ' by the sweep, its push event was lost' : ''}${release.message ? `: “${release.message}”` : ''}`;
    await journal.writeWith(
      ledger.table,
      ledger.releaseWrites(record),
      entry(input.execution, 'admitted', now(), 'info', text, { release }),
    );
    return { release, plan };
  };

/** Strangers write labels, and an execution's state holds 256 KiB. */
const MOST = 200;

const cut = (label: string | undefined) => label?.slice(0, MOST);

/** Authors that were cut off leave one that nobody knows, so that they are not taken for somebody else. */
const authors = (label: string | undefined) => (label !== undefined && label.length > MOST ? `${cut(label)}, …` : label);

/** One image, as its registry and its labels describe it. @throws ReleaseRefused */
async function admitImage(
  pipeline: Pipeline,
  registry: World['registry'],
  input: Pick<z.infer<typeof Input>, 'repository' | 'digest'>,
): Promise<Release> {
  const repository = pipeline.repositories[input.repository];
  if (repository === undefined) throw new ReleaseRefused(`no repository ${input.repository} in this pipeline`);
  const image = await registry.image(input.repository, input.digest);
  const name = `${input.repository}@${shortDigest(input.digest)}`;
  if (image === undefined) throw new ReleaseRefused(`${name} is not in the registry any more; push it again`);
  if (image.status !== 'ACTIVE') throw new ReleaseRefused(`${notActive(name, image.status)}, then promote it`);
  if (!isRunnable(image)) throw new ReleaseRefused(`${name} is no image but ${image.mediaType}`);
  const tag = image.tags.toSorted().find((candidate) => matchesTag(repository.tags, candidate));
  if (tag === undefined) throw new ReleaseRefused(`${name} has no tag like ${repository.tags}`);
  const config = await registry.config(input.repository, input.digest, repository.platform);
  if (config === undefined || config.platform !== repository.platform)
    throw new ReleaseRefused(
      `${input.repository} ${tag} is not built for ${repository.platform}${config ? ` but for ${config.platform}` : ''}; build it for that, or change the repository's platform in shiplock.config.ts`,
    );

  const { labels } = config;
  const order = orderOf(repository.order, { tag, commitTime: labels['shiplock.commit.time'], pushedAt: image.pushedAt.toISOString() });
  if (order === undefined)
    throw new ReleaseRefused(`${input.repository} ${tag} has no ${repository.order} to compare it by; see \`order\` in shiplock.config.ts`);
  return {
    repository: input.repository,
    digest: input.digest,
    tag,
    order,
    pushedAt: image.pushedAt.toISOString(),
    ...present('commit', cut(labels['org.opencontainers.image.revision'])),
    ...present('message', cut(labels['shiplock.commit.message']?.split('\n')[0])),
    // Not `org.opencontainers.image.authors`: an image inherits it from its base, whose authors wrote nothing of this change.
    ...present('author', authors(labels['shiplock.commit.author'])),
  };
}

/** A set: every image of it exists and may run; who wrote any of it is its author. @throws ReleaseRefused */
async function admitSet(
  registry: World['registry'],
  { from, members, at }: ReleaseSet,
  { repository, digest }: Pick<z.infer<typeof Input>, 'repository' | 'digest'>,
): Promise<Release> {
  for (const member of members) {
    const image = await registry.image(member.repository, member.digest);
    if (image?.status !== 'ACTIVE')
      throw new ReleaseRefused(
        `${releaseTitle(member)} of this set is ${image ? 'archived' : 'not in the registry any more'}; restore or push it`,
      );
  }
  const known = members.map(({ author }) => author);
  return {
    repository,
    digest,
    tag: `${members.length} of ${from}`,
    order: at,
    pushedAt: at,
    message: members.map(releaseTitle).join(', ').slice(0, MOST),
    // One unknown author makes all unknown: nobody may then approve where somebody else than the author has to.
    ...present('author', known.every((author) => author !== undefined) ? [...new Set(known)].join(', ') : undefined),
    members,
  };
}

const present = <Name extends string>(name: Name, value: string | undefined) =>
  (value ? { [name]: value } : {}) as Partial<Record<Name, string>>;

export const handler = step('admit-release', Input, () =>
  admitRelease({
    pipeline: readPipeline(),
    registry: new LabelledImages(),
    ledger: new Ledger(setting('LEDGER_TABLE')),
    journal: new Journal(setting('JOURNAL_TABLE')),
  }),
);
