/** Handles the event of a push to ECR, which is only a hint: reads the image and starts its release under a name that makes duplicates harmless. */
import * as z from 'zod/mini';
import { isRunnable, Registry } from '../aws/ecr.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { releaseExecution } from '../domain/pipeline/names.ts';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { matchesTag } from '../domain/release/tags.ts';
import type { ReleaseStart } from '../domain/workflow/workflow.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';

const Event = z.object({
  source: z.literal('aws.ecr'),
  account: z.string(),
  region: z.string(),
  detail: z.object({
    'action-type': z.string(),
    result: z.string(),
    'repository-name': z.string(),
    'image-digest': z.optional(z.string()),
    'image-tag': z.optional(z.string()),
  }),
});

export interface Answer {
  /** The execution that was started, or had been; absent where the push is no release. */
  readonly execution?: string;
  readonly ignored?: string;
}

interface World {
  readonly pipeline: Pipeline;
  readonly registry: Pick<Registry, 'image'>;
  readonly workflows: Pick<StepFunctions, 'start'>;
  readonly releaseMachine: string;
}

export const onImagePush =
  ({ pipeline, registry, workflows, releaseMachine }: World) =>
  async (event: z.infer<typeof Event>, { logger }: Moment): Promise<Answer> => {
    const ignore = (ignored: string): Answer => {
      logger.info('push ignored', { ignored, repository: event.detail['repository-name'] });
      return { ignored };
    };
    const { 'repository-name': name, 'image-digest': digest, 'image-tag': tag } = event.detail;
    if (!Object.values(pipeline.sites).some(({ account, region }) => account === event.account && region === event.region))
      return ignore(`account ${event.account} in ${event.region} is no site of this pipeline`);
    if (event.detail['action-type'] !== 'PUSH' || event.detail.result !== 'SUCCESS') return ignore('not a successful push');
    const repository = Object.hasOwn(pipeline.repositories, name) ? pipeline.repositories[name] : undefined;
    if (repository === undefined) return ignore(`no repository ${name} in this pipeline`);
    if (digest === undefined || tag === undefined) return ignore('an untagged push: a child of an index, or a referrer');
    if (!matchesTag(repository.tags, tag)) return ignore(`tag ${tag} does not match ${repository.tags}`);
    const image = await registry.image(name, digest);
    if (image === undefined) return ignore(`${name} has no image ${digest}: the event is stale or forged`);
    if (!image.tags.includes(tag)) return ignore(`${digest} does not have the tag ${tag}: the event is stale or forged`);
    if (!isRunnable(image)) return ignore(`${digest} is no image that could run`);

    const start: ReleaseStart = { repository: name, digest, attempt: 1, stages: null, cause: 'push' };
    const execution = releaseExecution(name, digest, start.attempt);
    const started = await workflows.start(releaseMachine, execution, start);
    logger.info(started ? 'release started' : 'release had been started', { execution, tag });
    return { execution };
  };

export const handler = step('on-image-push', Event, () =>
  onImagePush({
    pipeline: readPipeline(),
    registry: new Registry(),
    workflows: new StepFunctions(),
    releaseMachine: setting('RELEASE_MACHINE_ARN'),
  }),
);
