/** Takes a place in the queue of an environment. The turn is the answer to the token, at once or later. Wakes a sleeping environment. */
import * as z from 'zod/mini';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { Outbox } from '../aws/outbox.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { Turns } from '../aws/turns.ts';
import { isOpen, nextOpening } from '../domain/environment/hours.ts';
import type { PromotionRecord } from '../domain/ledger/records.ts';
import type { Environment, Pipeline } from '../domain/pipeline/pipeline.ts';
import type { Ticket } from '../domain/turn/protocol.ts';
import { EnvironmentAsleep, PromotionRefused } from '../domain/workflow/errors.ts';
import { ALL_GROUPS, environmentOf, turnOf } from './environment/clients.ts';
import { orderedSchema, releaseSchema } from './handler/inputs.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { entry } from './journal/entries.ts';

const common = { ticket: z.string(), execution: z.string(), askedAt: z.number(), environment: z.string(), token: z.string() };

const Input = z.discriminatedUnion('kind', [
  z.object({
    ...common,
    kind: z.literal('group'),
    stage: z.string(),
    releaseRun: z.string(),
    release: releaseSchema,
    ordered: z.nullish(orderedSchema),
  }),
  z.object({ ...common, kind: z.literal('environment'), cause: z.string() }),
]);

type GroupInput = Extract<z.infer<typeof Input>, { kind: 'group' }>;

interface World {
  readonly pipeline: Pipeline;
  readonly ledger: Pick<Ledger, 'newPromotionWrite' | 'newPromotion' | 'setRelease' | 'services' | 'extension' | 'table'>;
  readonly journal: Pick<Journal, 'write'>;
  readonly turns: Turns;
  readonly outbox: Outbox;
  readonly workflows: Pick<StepFunctions, 'start'>;
  readonly wakeMachine: string;
}

export const takeTurn =
  (world: World) =>
  async (input: z.infer<typeof Input>, moment: Moment): Promise<object> => {
    const environment = environmentOf(world.pipeline, input.environment);
    if (input.kind === 'group') return takeGroupTurn(world, input, environment, moment);
    if (input.cause === 'hours') {
      const extension = await world.ledger.extension(environment.name);
      if (extension && Date.parse(extension.until) > moment.now()) {
        const cause = `${environment.name} stays up until ${extension.until}, as ${extension.by} asked`;
        await world.outbox.answer(input.token, { error: 'EnvironmentAsleep', cause }, moment.now());
        return {};
      }
    }
    const runs = (await world.ledger.services(environment.name)).some(({ state }) => state === 'running');
    const taken = await world.turns.takeEnvironment(environment, ticketOf(input), runs, moment.now());
    if (taken.state === 'asleep') {
      const error = new EnvironmentAsleep(environment.name);
      await world.outbox.answer(input.token, { error: error.name, cause: error.message }, moment.now());
    }
    return {};
  };

const ticketOf = ({ ticket, execution, askedAt, token }: z.infer<typeof Input>): Ticket => ({ id: ticket, execution, askedAt, token });

async function takeGroupTurn(world: World, input: GroupInput, environment: Environment, { now }: Moment): Promise<object> {
  const { pipeline, ledger, journal, turns } = world;
  const { release, stage, releaseRun } = input;
  const group = turnOf(pipeline, release);
  const record: PromotionRecord = {
    promotion: input.ticket,
    execution: input.execution,
    environment: environment.name,
    stage,
    group: group ?? ALL_GROUPS,
    release,
    releaseRun,
    pipeline: pipeline.digest,
    state: 'waiting',
    askedAt: new Date(input.askedAt).toISOString(),
    taskDefinitions: {},
    ...(input.ordered ? { ordered: input.ordered } : {}),
  };
  const alone = async () => void (await ledger.newPromotion(record));
  if (group === undefined) await alone();
  // What a person ordered is superseded by nothing, and supersedes nothing.
  const candidate = { repository: release.repository, order: release.order, title: `${release.repository} ${release.tag}` };
  const ticket: Ticket = { ...ticketOf(input), ...(input.ordered ? {} : { candidate }) };
  const taken =
    group === undefined
      ? await turns.takeEnvironment(environment, { ...ticketOf(input), keepsUp: true }, false, now())
      : await turns.takeGroup(environment, group, ticket, now(), {
          together: (writes) => ledger.table.transact([...writes, ledger.newPromotionWrite(record)]),
          alone,
        });
  if (taken.state === 'asleep') {
    const error = new PromotionRefused(`${environment.name} is down; wake it first: shiplock wake ${environment.name}`);
    await world.outbox.answer(input.token, { error: error.name, cause: error.message }, now());
    return {};
  }
  if (taken.state !== 'parked') return {};
  const waitsFor = taken.asleep ? await wakeOrWait(world, environment, now()) : `its turn in ${environment.name}`;
  await ledger.setRelease(release.repository, release.digest, releaseRun, { stage, waitsFor });
  await journal.write(
    entry(input.ticket, 'parked', now(), 'waiting', `waits for ${waitsFor}`, { release, environment: environment.name, stage }),
  );
  return {};
}

/** Starts the one wake of this night under its own name, or says until when to wait. @returns what is waited for, in words */
async function wakeOrWait({ turns, workflows, wakeMachine }: World, environment: Environment, now: number): Promise<string> {
  const { onDemand } = environment;
  if (onDemand && onDemand.outside === 'wait' && !isOpen(onDemand.hours, now)) {
    const opening = new Date(nextOpening(onDemand.hours, now)).toISOString();
    return `the morning: ${environment.name} opens at ${opening}`;
  }
  const name = await turns.wakeName(environment);
  await workflows.start(wakeMachine, name, { environment: environment.name, cause: 'need' });
  return `${environment.name} to wake`;
}

export const handler = step('take-turn', Input, () => {
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  const workflows = new StepFunctions();
  return takeTurn({
    pipeline: readPipeline(),
    ledger,
    journal: new Journal(setting('JOURNAL_TABLE')),
    turns: new Turns(ledger.table, workflows),
    outbox: new Outbox(ledger.table, workflows),
    workflows,
    wakeMachine: setting('WAKE_MACHINE_ARN'),
  });
});
