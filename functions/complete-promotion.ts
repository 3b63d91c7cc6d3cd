/** The end of a promotion, with any outcome: writes down what runs and why, passes the turn on, and writes the journal. */
import * as z from 'zod/mini';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { has } from '../aws/table.ts';
import { type Along, Turns } from '../aws/turns.ts';
import type { JournalEntry, PromotionRecord } from '../domain/ledger/records.ts';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { isChecked } from '../domain/promotion/checks.ts';
import { membersOf, type Release } from '../domain/release/release.ts';
import { routed } from '../domain/service/routes.ts';
import type { Gate, GroupTurns } from '../domain/turn/protocol.ts';
import type { Outcome } from '../domain/workflow/outcome.ts';
import { environmentOf, groupsOf, turnOf } from './environment/clients.ts';
import { postponeIdleTeardown } from './environment/idle-teardown.ts';
import { outcomeSchema, promotionSchema } from './handler/inputs.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { entry, TONES } from './journal/entries.ts';
import { freezeForManualIntervention } from './recovery/manual-intervention.ts';

const Input = z.extend(promotionSchema, {
  outcome: outcomeSchema,
  /** The rollback failed too: the environment is frozen until a person has intervened. */
  manualIntervention: z.optional(z.boolean()),
});

interface World {
  readonly pipeline: Pipeline;
  readonly ledger: Pick<
    Ledger,
    | 'ending'
    | 'forestall'
    | 'extension'
    | 'putExtension'
    | 'promotionWrite'
    | 'runningWrite'
    | 'serviceWrite'
    | 'dropWaitWrite'
    | 'dropWait'
    | 'putFreeze'
    | 'table'
  >;
  readonly turns: Pick<Turns, 'end' | 'turnKey'>;
  readonly journal: Pick<Journal, 'write' | 'writeWith'>;
}

/** A transaction has at most a hundred writes, and the turn, its barrier and the entry take three. */
const MOST_WRITES = 90;

export const completePromotion =
  (world: World) =>
  async (input: z.infer<typeof Input>, { now, count }: Moment): Promise<Outcome> => {
    const { pipeline, ledger, turns, journal } = world;
    const { promotion, environment, stage, release, outcome, manualIntervention } = input;
    const place = environmentOf(pipeline, environment);
    const group = turnOf(pipeline, release);
    const read = () => ledger.ending<Gate, GroupTurns>(promotion, turns.turnKey(environment, group), turns.turnKey(environment, undefined));
    let seen = await read();
    // It ended before it was written: from now on it cannot be any more. If it was just now, it is there to be read.
    if (seen.promotion === undefined && !(await ledger.forestall(promotion, now()))) seen = await read();
    const record = seen.promotion;
    if (manualIntervention) {
      await freezeForManualIntervention(
        world,
        { promotion, environment, release },
        outcome.reason,
        Date.parse(record?.endedAt ?? iso(now())),
      );
      count('ManualIntervention');
    }
    await postponeIdleTeardown(ledger, place, now());
    const told = entry(promotion, 'ended', now(), TONES[outcome.outcome], endText(pipeline, environment, release, outcome), {
      release,
      environment,
      stage,
    });
    // A retry after the turn was given on: by now the next one may have written what it runs.
    if (record === undefined || record.endedAt !== undefined) {
      await turns.end(place, promotion, group, now());
      await journal.write(told);
    } else await turns.end(place, promotion, group, now(), { ...ending(world, input, record, told, iso(now())), seen });
    count('PromotionEnded', { outcome: outcome.outcome });
    return outcome;
  };

/** The end of a promotion as the journal says it: no checks are claimed where none are configured. */
function endText(pipeline: Pipeline, environment: string, release: Release, { outcome, reason }: Outcome): string {
  if (outcome !== 'succeeded') return `${outcome} in ${environment}: ${reason}`;
  const services = groupsOf(pipeline, release).flatMap((group) => group.services);
  return `runs in ${environment}, ${isChecked(environmentOf(pipeline, environment).verification, services) ? 'checks passed' : 'no checks configured'}`;
}

const iso = (now: number) => new Date(now).toISOString();

/** What is written down as a promotion ends: with its turn where nobody waits for that, else before it is given on. */
function ending(
  { pipeline, ledger, journal }: World,
  { promotion, environment, release, outcome, manualIntervention }: z.infer<typeof Input>,
  record: PromotionRecord,
  told: JournalEntry,
  at: string,
): Along {
  const fields = { state: outcome.outcome, endedAt: at, reason: outcome.reason, ...(manualIntervention ? { manualIntervention } : {}) };
  const end = ledger.promotionWrite(promotion, fields, has({ endedAt: undefined }));
  const place = environmentOf(pipeline, environment);
  const running = membersOf(release).map((member) => ledger.runningWrite({ ...member, environment, promotion, since: at, verified: true }));
  const services = Object.entries(record.taskDefinitions).map(([service, taskDefinition]) =>
    ledger.serviceWrite({
      environment,
      service,
      state: 'running',
      taskDefinition,
      promotion,
      ...routed(place, pipeline.services[service]),
    }),
  );
  const books = outcome.outcome === 'succeeded' ? [...running, ...services] : [];
  const waits = Object.keys(record.before ?? {}).map((service) => ({ environment, service, owner: promotion }));
  return {
    together: async (turn) => {
      const writes = [...books, ...waits.map((wait) => ledger.dropWaitWrite(wait)), end, ...turn];
      return writes.length <= MOST_WRITES && journal.writeWith(ledger.table, writes, told);
    },
    alone: async () => {
      for (const wait of waits) await ledger.dropWait(wait);
      // The end comes last: a retry of whatever was cut off before it writes all of it again.
      const left = [...books];
      while (left.length >= MOST_WRITES) await ledger.table.transact(left.splice(0, MOST_WRITES));
      await journal.writeWith(ledger.table, [...left, end], told);
    },
  };
}

export const handler = step('complete-promotion', Input, () => {
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  return completePromotion({
    pipeline: readPipeline(),
    ledger,
    turns: new Turns(ledger.table, new StepFunctions()),
    journal: new Journal(setting('JOURNAL_TABLE')),
  });
});
