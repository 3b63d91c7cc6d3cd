/** A deployment of ECS has ended, as an event: a wake-up. Looks once at the truth and answers whoever waits. */
import * as z from 'zod/mini';
import { Ledger } from '../aws/ledger.ts';
import { Outbox } from '../aws/outbox.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { environmentName } from '../domain/names.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import { type EnvironmentClients, environmentClients } from './stack/environment.ts';
import { readPipeline, setting } from './stack/settings.ts';
import { type Moment, step } from './stack/step.ts';
import { answerIfOver, lookAt } from './stack/waiting.ts';

/** Neither cluster nor task definition is in the event; the service's ARN is. */
const Event = z.object({
  source: z.literal('aws.ecs'),
  resources: z.array(z.string()),
  detail: z.object({ eventName: z.string(), updatedAt: z.optional(z.string()) }),
});

/** The event is ahead of what ECS answers when asked: Lambda brings it again in a minute, and then in two. */
class EventAhead extends Error {
  constructor(service: string) {
    super(`${service} has completed, says the event, and ECS still calls its deployment running; looked at again in a minute`);
    this.name = 'EventAhead';
  }
}

interface World {
  readonly pipeline: Pipeline;
  readonly ledger: Pick<Ledger, 'wait' | 'endWait'>;
  readonly outbox: Outbox;
  readonly clients: (environment: string) => EnvironmentClients;
}

export const onEcsEvent =
  (world: World) =>
  async ({ resources, detail }: z.infer<typeof Event>, { now, logger }: Moment): Promise<void> => {
    for (const arn of resources) {
      const place = placeOf(world.pipeline, arn);
      if (place === undefined) {
        logger.info('not a service of this pipeline', { arn });
        continue;
      }
      const wait = await world.ledger.wait(place.environment, place.service);
      if (wait === undefined) continue;
      // Ended already: by an earlier event, whose handler may have been cut off before it could tell.
      const { state } = wait.state === 'open' ? await lookAt(world, wait) : wait;
      if (state === 'held' || state === 'broke' || state === 'late') await answerIfOver(world, wait, now());
      const isOurs = detail.eventName === 'SERVICE_DEPLOYMENT_COMPLETED' && Date.parse(detail.updatedAt ?? '') > wait.since;
      if (state === 'running' && isOurs) throw new EventAhead(place.service);
    }
  };

/** `arn:aws:ecs:<region>:<account>:service/<cluster>/<service>` */
function placeOf(pipeline: Pipeline, arn: string): { environment: string; service: string } | undefined {
  const [, cluster, service] = arn.split(':')[5]?.split('/') ?? [];
  const environment = Object.keys(pipeline.environments).find((name) => environmentName(pipeline.name, name) === cluster);
  return environment !== undefined && service !== undefined ? { environment, service } : undefined;
}

export const handler = step('on-ecs-event', Event, () => {
  const pipeline = readPipeline();
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  return onEcsEvent({
    pipeline,
    ledger,
    outbox: new Outbox(ledger.table, new StepFunctions()),
    clients: environmentClients(pipeline, 'on-ecs-event'),
  });
});
