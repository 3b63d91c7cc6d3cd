/** Images that were pushed since the last sweep and became no release, though nobody said why not. */
import { isRunnable, type Registry } from '../../aws/ecr.ts';
import type { Ledger, Open } from '../../aws/ledger.ts';
import type { StepFunctions } from '../../aws/step-functions.ts';
import { releaseExecution } from '../../domain/pipeline/names.ts';
import type { Pipeline, Repository } from '../../domain/pipeline/pipeline.ts';
import { matchesTag } from '../../domain/release/tags.ts';
import type { ReleaseStart } from '../../domain/workflow/workflow.ts';
import type { CollectedErrors } from './collected-errors.ts';

export interface PushWorld {
  readonly pipeline: Pipeline;
  readonly registry: Pick<Registry, 'taggedImages'>;
  readonly ledger: Pick<Ledger, 'release' | 'putSwept' | 'putSweepNext'>;
  readonly workflows: Pick<StepFunctions, 'start'>;
  readonly releaseMachine: string;
}

/** How much of ECR is asked at once: its DescribeImages takes hundreds a second, and others want some of them. */
const SIDE_BY_SIDE = 5;

/** An event may be this late before the sweep takes it for lost. Milliseconds. */
export const LATE = 2 * 60_000;

/**
 * Looks through the repositories, a few side by side, for as long as there is time; the next sweep begins where this one stopped.
 * @param clock until when it may begin with another repository
 * @returns how many releases it started
 */
export async function lostPushes(
  world: PushWorld,
  { swept, next }: Pick<Open, 'swept' | 'next'>,
  errors: CollectedErrors,
  clock: { readonly now: () => number; readonly until: number },
): Promise<number> {
  const left = inTurn(Object.values(world.pipeline.repositories), next);
  const now = clock.now();
  let lost = 0;
  const work = async () => {
    while (left.length > 0 && clock.now() < clock.until) {
      const repository = left.shift()!;
      lost += (await errors.attempt(`repository ${repository.name}`, () => lostIn(world, repository, swept[repository.name], now))) ?? 0;
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  if (left[0]) await world.ledger.putSweepNext(left[0].name);
  return lost;
}

/** All of them, those first that the last sweep did not come to. */
function inTurn(repositories: readonly Repository[], next: string | undefined): Repository[] {
  const sorted = repositories.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const start =
    next === undefined
      ? 0
      : Math.max(
          0,
          sorted.findIndex(({ name }) => name >= next),
        );
  return [...sorted.slice(start), ...sorted.slice(0, start)];
}

async function lostIn(
  { registry, ledger, workflows, releaseMachine }: PushWorld,
  repository: Repository,
  upTo: number | undefined,
  now: number,
): Promise<number> {
  // What was there before the pipeline is not a push that it missed.
  if (upTo === undefined) {
    await ledger.putSwept(repository.name, now - LATE);
    return 0;
  }
  let lost = 0;
  const images = await registry.taggedImages(repository.name);
  const fresh = images.filter(({ pushedAt }) => pushedAt.getTime() > upTo && pushedAt.getTime() <= now - LATE);
  for (const image of fresh) {
    if (!isRunnable(image)) continue;
    if (!image.tags.some((tag) => matchesTag(repository.tags, tag))) continue;
    if (await ledger.release(repository.name, image.digest)) continue;
    const start: ReleaseStart = { repository: repository.name, digest: image.digest, attempt: 1, stages: null, cause: 'sweep' };
    if (await workflows.start(releaseMachine, releaseExecution(repository.name, image.digest, 1), start)) lost++;
  }
  if (fresh.length > 0) await ledger.putSwept(repository.name, Math.max(...fresh.map(({ pushedAt }) => pushedAt.getTime())));
  return lost;
}
