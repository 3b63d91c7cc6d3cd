/** Lets the deployments go on that pause at the test listener, and waits for their end: all traffic shifted, and baked. */
import * as z from 'zod/mini';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { Outbox } from '../aws/outbox.ts';
import { proceed } from '../aws/rollouts.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { Turns } from '../aws/turns.ts';
import type { WaitRecord } from '../domain/ledger/records.ts';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { DeploymentFailed } from '../domain/workflow/errors.ts';
import { answerIfDone, groupResult, observe } from './deployment/waits.ts';
import { type EnvironmentClients, environmentClients, turnOf } from './environment/clients.ts';
import { promotionSchema } from './handler/inputs.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { entry } from './journal/entries.ts';

const Input = z.discriminatedUnion('act', [
  z.extend(promotionSchema, { act: z.literal('begin'), fence: z.number(), token: z.string() }),
  /** Set for the backstop's check, after a wait that no event ended. */
  z.extend(promotionSchema, { act: z.literal('observe') }),
]);

interface World {
  readonly pipeline: Pipeline;
  readonly ledger: Pick<Ledger, 'promotion' | 'setPromotion' | 'wait' | 'waitsOf' | 'putWait' | 'endWait'>;
  readonly journal: Pick<Journal, 'write'>;
  readonly turns: Pick<Turns, 'assertTurn'>;
  readonly outbox: Outbox;
  readonly clients: (environment: string) => EnvironmentClients;
}

export const shiftTraffic =
  (world: World) =>
  async (input: z.infer<typeof Input>, { now }: Moment): Promise<object> => {
    const { pipeline, ledger, turns, journal, clients } = world;
    const { promotion, environment, release, stage } = input;
    const waits = await ownWaits(world, input);
    if (input.act === 'observe') return observeOnce(world, waits);
    const among = waits.map(({ service }) => service);
    await ledger.setPromotion(promotion, { state: 'deploying' });
    await turns.assertTurn(environment, turnOf(pipeline, release), promotion, input.fence);
    for (const wait of waits) {
      const before = wait.state === 'paused' || wait.state === 'open' ? 'open' : wait.state;
      await ledger.putWait({ ...wait, kind: 'shift', token: input.token, among, state: before });
    }
    // Where one has come to its end already, none goes on.
    let goesOn = waits.every(({ state }) => state !== 'failed');
    for (const { hook, state } of goesOn ? waits : [])
      if (hook && (state === 'paused' || state === 'open')) goesOn = (await proceed(clients(environment).ecs, hook)) && goesOn;
    const text = `is ready at the test listener of ${environment}; traffic of ${among.join(', ')} shifts`;
    const retried = waits.some(({ kind }) => kind === 'shift');
    if (goesOn || retried) await journal.write(entry(promotion, 'shifting', now(), 'info', text, { release, environment, stage }));
    // A retry may find all of it over, and ECS may have rolled back while people were asked: no event will come again.
    if (goesOn && !retried) return {};
    for (const { service } of waits) {
      const wait = await ledger.wait(environment, service);
      if (wait?.state === 'open') await observe(world, wait);
    }
    const [first] = waits;
    if (first) await answerIfDone(world, { ...first, kind: 'shift', token: input.token, among });
    return {};
  };

/** Those of the promotion that pause, or have paused. */
async function ownWaits({ ledger }: World, { promotion, environment }: z.infer<typeof Input>): Promise<WaitRecord[]> {
  const record = await ledger.promotion(promotion);
  const services = Object.keys(record?.taskDefinitions ?? {});
  const waits = await Promise.all(services.map((service) => ledger.wait(environment, service)));
  return waits.filter((wait): wait is WaitRecord => wait?.owner === promotion && wait.hook !== undefined);
}

async function observeOnce(world: World, waits: readonly WaitRecord[]): Promise<object> {
  for (const wait of waits) if (wait.state === 'open') await observe(world, wait);
  const result = waits[0] ? await groupResult(world, waits[0]) : ({ state: 'open' } as const);
  if (result.state === 'open') throw new DeploymentFailed('its traffic had not shifted in time; see timeouts.deployMinutes');
  if ('error' in result.answer) throw new DeploymentFailed(result.answer.cause);
  return result.answer.result;
}

export const handler = step('shift-traffic', Input, () => {
  const pipeline = readPipeline();
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  return shiftTraffic({
    pipeline,
    ledger,
    journal: new Journal(setting('JOURNAL_TABLE')),
    turns: new Turns(ledger.table),
    outbox: new Outbox(ledger.table, new StepFunctions()),
    clients: environmentClients(pipeline, 'shift-traffic'),
  });
});
