/** What an execution leaves behind when it ends badly, put in order: ECS first, then the ledger, then the turn. Each part can be run again. */
import type { Journal } from '../../aws/journal.ts';
import type { Ledger } from '../../aws/ledger.ts';
import type { Parameters } from '../../aws/ssm.ts';
import type { Turns } from '../../aws/turns.ts';
import { environmentName } from '../../domain/names.ts';
import type { Pipeline } from '../../domain/pipeline.ts';
import type { PromotionRecord } from '../../domain/records.ts';
import { renderUpdateService } from '../../domain/render.ts';
import { type EnvironmentClients, environmentOf } from './environment.ts';
import { entry } from './words.ts';

export interface SettlingWorld {
  readonly pipeline: Pipeline;
  readonly parameters: Pick<Parameters, 'foundation'>;
  readonly ledger: Ledger;
  readonly journal: Pick<Journal, 'write'>;
  readonly turns: Turns;
  readonly clients: (environment: string) => EnvironmentClients;
}

/** How it ended. */
export interface End {
  readonly status: string;
  /** Milliseconds since the epoch. */
  readonly stoppedAt: number;
  readonly cause: string;
}

/**
 * The longest a Lambda that was running when its execution ended may still act.
 * Its own time-out is at most 60 s; the turn passes on when it must be dead.
 */
export const LAST_BREATH = 60_000;

const OVER = ['succeeded', 'superseded', 'refused', 'failed', 'errored'];

/** Stops or takes back what an ended promotion left in ECS, says so in the ledger, and gives its turn on. */
export async function settlePromotion(world: SettlingWorld, promotion: string, end: End, now: number): Promise<void> {
  const { ledger, journal, turns } = world;
  const record = await ledger.promotion(promotion);
  if (record === undefined) return;
  if (!OVER.includes(record.state)) {
    for (const service of Object.keys(record.before ?? {})) await settleService(world, record, service);
    const reason = `its execution ended as ${end.status}${end.cause ? `: ${end.cause}` : ''}`;
    await ledger.setPromotion(promotion, { state: 'errored', endedAt: new Date(now).toISOString(), reason });
    const about = { release: record.release, environment: record.environment, stage: record.stage };
    await journal.write(
      entry(promotion, 'ended', now, 'bad', `errored in ${record.environment}: ${reason}; what ran before is put back`, about),
    );
  }
  if (now - end.stoppedAt >= LAST_BREATH) await turns.end(environmentOf(world.pipeline, record.environment), promotion, record.group, now);
}

async function settleService(
  { pipeline, parameters, ledger, clients }: SettlingWorld,
  record: PromotionRecord,
  serviceName: string,
): Promise<void> {
  const wait = await ledger.wait(record.environment, serviceName);
  if (wait?.owner !== record.promotion) return;
  const { ecs, loadBalancing } = clients(record.environment);
  const cluster = environmentName(pipeline.name, record.environment);
  const previous = record.before?.[serviceName] ?? null;
  const service = pipeline.services[serviceName];
  if (previous === null) {
    await ecs.delete(cluster, serviceName);
    if (service?.web) {
      const { foundation, targetGroups } = await parameters.foundation(pipeline.name, record.environment, [serviceName]);
      await loadBalancing.deleteRules(foundation.listenerArn, [targetGroups[serviceName] ?? '']);
    }
    await ledger.dropService(record.environment, serviceName);
  } else {
    const look = await ecs.look(cluster, serviceName, wait.since);
    if (look.state === 'running') await ecs.stop(look.deployment ?? '');
    else if (look.state === 'held' && service) {
      const environment = environmentOf(pipeline, record.environment);
      const { foundation } = await parameters.foundation(pipeline.name, record.environment, []);
      await ecs.update(
        renderUpdateService({
          pipeline,
          environment,
          service,
          foundation,
          targetGroupArn: undefined,
          taskDefinition: previous,
          promotion: record.promotion,
        }) as never,
      );
    }
  }
  await ledger.dropWait(record.environment, serviceName);
}

/** Gives a release its terminal state and withdraws its open question. */
export async function settleRelease(
  { ledger, journal }: SettlingWorld,
  repository: string,
  digest: string,
  execution: string,
  end: End,
  now: number,
): Promise<void> {
  const record = await ledger.release(repository, digest);
  if (record === undefined || record.execution !== execution) return;
  if (record.state === 'climbing') {
    const reason = `its execution ended as ${end.status}${end.cause ? `: ${end.cause}` : ''}`;
    await ledger.setRelease(repository, digest, execution, {
      state: 'errored',
      endedAt: new Date(now).toISOString(),
      reason,
      waitsFor: undefined,
    });
    await journal.write(entry(execution, 'ended', now, 'bad', `errored: ${reason}`, { release: record }));
  }
  const gate = record.stage ? await ledger.gate(record.stage, repository) : undefined;
  if (gate?.climb === execution && gate.state === 'waiting')
    await ledger.table.transact([ledger.gateWrite({ ...gate, state: 'withdrawn', version: gate.version + 1 }, gate)]);
}

/** An environment whose wake has ended without a word is down again; whoever waits is told. */
export async function settleWake(
  { pipeline, ledger, turns, journal }: SettlingWorld,
  environment: string,
  execution: string,
  end: End,
  now: number,
): Promise<void> {
  const place = environmentOf(pipeline, environment);
  if ((await turns.waking(place)) !== execution) return;
  for (const wait of await ledger.waits(environment)) if (wait.owner === execution) await ledger.dropWait(environment, wait.service);
  const reason = `its wake ended as ${end.status}`;
  await journal.write(entry(execution, 'not-woken', now, 'bad', `${environment} could not be woken: ${reason}`, { environment }));
  await turns.wakeFailed(place, reason, now);
}

/** Gives an environment back whose teardown has ended without a word: what is left of it counts as up, so that the next wake or promotion repairs it. */
export async function settleTeardown(
  { pipeline, turns, journal }: SettlingWorld,
  environment: string,
  execution: string,
  end: End,
  now: number,
): Promise<void> {
  if (now - end.stoppedAt < LAST_BREATH) return;
  const place = environmentOf(pipeline, environment);
  const holds = (await turns.holders(place)).some(({ ticket }) => ticket.id === execution);
  if (holds)
    await journal.write(
      entry(execution, 'ended', now, 'bad', `${environment}: its teardown ended as ${end.status}; what is left of it stays up`, {
        environment,
      }),
    );
  await turns.endEnvironment(place, execution, 'up', now);
}
