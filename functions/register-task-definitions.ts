/** Checks once more whether the release may enter, then registers what its services shall run, paced to ECS's refill of one a second. */
import type * as z from 'zod/mini';
import { Journal } from '../aws/journal.ts';
import { Migrations } from '../aws/migrations.ts';
import { Pace } from '../aws/pace.ts';
import { register } from '../aws/registration.ts';
import { Repositories } from '../aws/repositories.ts';
import { type Situation, Situations } from '../aws/situation.ts';
import { Parameters as ParameterStore } from '../aws/ssm.ts';
import { approvalOf } from '../domain/database/databases.ts';
import { renderMigration } from '../domain/database/migration.ts';
import { whatKeepsOut } from '../domain/environment/freeze-and-pin.ts';
import type { ByHand, Ordered, PromotionRecord } from '../domain/ledger/records.ts';
import { isComplete, missingOf, repositoriesOf } from '../domain/pipeline/composition.ts';
import type { Environment, Pipeline } from '../domain/pipeline/pipeline.ts';
import { compareOrders } from '../domain/release/order.ts';
import { membersOf, type Release, releaseTitle, shortDigest } from '../domain/release/release.ts';
import { shiftingOf } from '../domain/rollout/choice.ts';
import { route } from '../domain/service/routes.ts';
import { renderTaskDefinition } from '../domain/task-definition/rendering.ts';
import { MigrationDue, PromotionRefused, RegistrationPaced, Superseded } from '../domain/workflow/errors.ts';
import type { PromotionWorkflow } from '../domain/workflow/workflow.ts';
import { type EnvironmentClients, environmentClients, environmentOf, groupsOf } from './environment/clients.ts';
import { promotionSchema } from './handler/inputs.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { entry, notActive } from './journal/entries.ts';
import { migratesAlone, migrationsDue } from './migration/pending-migrations.ts';

const Input = promotionSchema;

/** RegisterTaskDefinition: 20 at once, then one a second, for a whole account and Region. */
const BURST = 20;

interface World {
  readonly pipeline: Pipeline;
  readonly registry: Pick<Repositories, 'image' | 'uris'>;
  readonly parameters: Pick<ParameterStore, 'foundation'>;
  readonly ledger: Pick<Situations, 'situation' | 'setPromotion' | 'promotionWrite' | 'standingWrites' | 'table'>;
  readonly pace: Pick<Pace, 'reserve'>;
  readonly migrations: Pick<Migrations, 'runs'>;
  readonly journal: Pick<Journal, 'writeWith'>;
  readonly clients: (environment: string) => EnvironmentClients;
}

/** What the next steps work with: it is not read again. */
export type RegisterTaskDefinitionsOutput = Pick<PromotionWorkflow, 'place'>;

export const registerTaskDefinitions =
  (world: World) =>
  async (input: z.infer<typeof Input>, moment: Moment): Promise<RegisterTaskDefinitionsOutput> => {
    const { pipeline, ledger, journal, registry, parameters, clients } = world;
    const { promotion, environment: name, release, releaseRun, stage } = input;
    const groups = groupsOf(pipeline, release);
    const environment = environmentOf(pipeline, name);
    const repositories = [
      ...new Set([...groups.flatMap((group) => group.repositories), ...membersOf(release).map((one) => one.repository)]),
    ];
    const situation = await ledger.situation(input, { repositories, services: groups.flatMap((group) => group.services) });
    const record = situation.promotion;
    if (record === undefined) throw new Error(`no promotion ${promotion} in the ledger`);
    await mayEnter(world, situation, input, record.ordered, moment.now());

    const fresh = Object.fromEntries(membersOf(release).map((member) => [member.repository, member]));
    const releases: Readonly<Record<string, Release>> = { ...situation.running, ...fresh };
    const complete = groups.map((group) =>
      group.services.map((service) => pipeline.services[service]!).filter((service) => isComplete(service, releases)),
    );
    for (const [index, group] of groups.entries())
      if (complete[index]?.length === 0)
        throw new PromotionRefused(`${group.name} also needs ${missingOf(group, releases).join(', ')}, and ${name} runs none of them yet`);
    const services = complete.flat();
    const toRegister = services.filter(({ name: service }) => record.taskDefinitions[service] === undefined);
    // What a person puts back or restarts runs on the database as it is.
    const due = record.ordered ? [] : await migrationsDue(world, environment, release);
    // A run belongs to one digest and its own gate, which may be stricter than the set's.
    for (const member of release.members ?? [])
      if ((await migrationsDue(world, environment, member)).length > 0) throw new PromotionRefused(migratesAlone(member, name));
    const toMigrate = due.filter(({ id }) => record.migrations?.[id] === undefined);
    const taskDefinitions: Record<string, string> = { ...record.taskDefinitions };
    if (toRegister.length + toMigrate.length > 0) await keepPace(world, record, toRegister.length + toMigrate.length, moment.now());
    const web = services.filter((service) => service.web).map((service) => service.name);
    const shifting = services.filter((service) => shiftingOf(environment, service)).map((service) => service.name);
    const found = await parameters.foundation(pipeline.name, name, web, shifting);
    if (toRegister.length + toMigrate.length > 0) {
      const uris = await registry.uris(repositoriesOf(services));
      const { foundation } = found;
      const { ecs } = clients(name);
      for (const service of toRegister) {
        const request = renderTaskDefinition({ pipeline, environment, service, releases, repositoryUris: uris, foundation, promotion });
        taskDefinitions[service.name] = await register(ecs, request as never);
        // The last one is written down with what follows from it.
        if (service !== toRegister.at(-1) || due.length > 0) await ledger.setPromotion(promotion, { taskDefinitions });
      }
      const known: Record<string, string> = { ...record.migrations };
      for (const home of toMigrate) {
        const { foundation: own } = await parameters.foundation(pipeline.name, home.owner.name, []);
        const request = renderMigration(home, { pipeline, releases, repositoryUris: uris, foundation: own, promotion });
        known[home.id] = await register(clients(home.owner.name).ecs, request as never);
        await ledger.setPromotion(promotion, { migrations: known });
      }
    }
    if (due.length > 0) {
      await ledger.setPromotion(promotion, { state: 'migrating' });
      throw new MigrationDue(Math.max(...due.map(({ database }) => database.timeoutMinutes)) * 60);
    }
    const names = services.map((service) => service.name);
    const begins = {
      state: 'deploying' as const,
      taskDefinitions,
      ...whatRuns(pipeline, environment, record, Object.keys(taskDefinitions), situation.services),
    };
    const { release: known } = situation;
    const isSaid = known?.execution !== releaseRun || (known.stage === stage && known.waitsFor === undefined);
    const said = isSaid ? [] : [...ledger.standingWrites(known, { stage, waitsFor: undefined })];
    const told = entry(promotion, 'deploying', moment.now(), 'info', `deploys to ${name}`, { release, environment: name, stage });
    // Where another run of the release has taken over meanwhile, only its standing is not ours to write.
    if (!(await journal.writeWith(ledger.table, [ledger.promotionWrite(promotion, begins), ...said], told)))
      await journal.writeWith(ledger.table, [ledger.promotionWrite(promotion, begins)], told);
    return { place: { services: names, ...found } };
  };

/** What each service ran before this promotion, and whose rule has to be looked after: written down before anything changes, by the first try. */
function whatRuns(
  pipeline: Pipeline,
  environment: Environment,
  { before, reroute = [] }: PromotionRecord,
  services: readonly string[],
  known: Situation['services'],
): Pick<PromotionRecord, 'before' | 'reroute'> {
  if (before !== undefined) return { before, reroute };
  return {
    before: Object.fromEntries(
      services.map((service) => [service, known[service]?.state === 'absent' ? null : (known[service]?.taskDefinition ?? null)]),
    ),
    reroute: services.filter((service) => known[service]?.route !== route(environment, pipeline.services[service])),
  };
}

/** What may have changed since it was asked for: freeze, a newer release, the image itself, the approval. */
async function mayEnter(
  { pipeline, registry }: World,
  { restrictions, release: known, running: runs, gate }: Situation,
  { environment, release, stage, releaseRun }: z.infer<typeof Input>,
  ordered: Ordered | undefined,
  now: number,
): Promise<void> {
  const keptOutBy = (hotfix?: ByHand) =>
    membersOf(release).flatMap((member) => whatKeepsOut(restrictions, member, { ordered, hotfix }, now) ?? [])[0];
  const held = known?.execution === releaseRun ? keptOutBy(known.hotfix) : keptOutBy();
  if (held) throw new PromotionRefused(held);
  for (const member of membersOf(release)) {
    const running = runs[member.repository];
    // It was ordered while something else went in, which has new tasks by now.
    if (ordered?.verb === 'restart' && running && running.digest !== member.digest)
      throw new Superseded(`${environment} runs ${releaseTitle(running)} by now, in tasks that are new already`);
    if (ordered === undefined && running && compareOrders(running.order, member.order) > 0) {
      const reason = `${environment} runs ${releaseTitle(running)}, which is newer`;
      throw release.members ? new PromotionRefused(`${reason} than ${member.tag} of this set`) : new Superseded(reason);
    }
    const image = await registry.image(member.repository, member.digest);
    const name = `${member.repository}@${shortDigest(member.digest)}`;
    if (image === undefined) throw new PromotionRefused(`${name} is not in the registry any more; push it again`);
    if (image.status !== 'ACTIVE') {
      const again = `shiplock promote ${release.repository}@${release.tag} --to ${environment}`;
      throw new PromotionRefused(`${notActive(name, image.status)}, then promote it again${release.members ? '' : `: ${again}`}`);
    }
  }
  if (ordered === undefined && approvalOf(pipeline, stage, release.repository)) {
    const good = gate?.state === 'approved' && gate.release.digest === release.digest && gate.releaseRun === releaseRun;
    // A newer release may have come to the gate since; then this one is superseded, not merely unapproved.
    if (!good && gate && compareOrders(gate.release.order, release.order) > 0)
      throw new Superseded(`${releaseTitle(gate.release)}, which is newer, has reached ${stage}`);
    if (!good) throw new PromotionRefused(`${releaseTitle(release)} has no approval for ${stage} any more`);
  }
}

/** Reserves the slots once for a promotion that has to wait for them; a retry of one that had not may reserve again. @throws RegistrationPaced with the time to come again */
async function keepPace({ ledger, pace }: World, record: PromotionRecord & { slot?: number }, count: number, now: number): Promise<void> {
  if (record.slot !== undefined && record.slot <= now) return;
  const slot = record.slot ?? (await pace.reserve('RegisterTaskDefinition', count, BURST, now));
  if (slot <= now) return;
  if (record.slot === undefined) await ledger.setPromotion(record.promotion, { slot } as Partial<PromotionRecord>);
  throw new RegistrationPaced(slot);
}

export const handler = step('register-task-definitions', Input, () => {
  const pipeline = readPipeline();
  const ledger = new Situations(setting('LEDGER_TABLE'));
  return registerTaskDefinitions({
    pipeline,
    registry: new Repositories(),
    parameters: new ParameterStore(),
    ledger,
    migrations: new Migrations(ledger.table),
    pace: new Pace(ledger.table),
    journal: new Journal(setting('JOURNAL_TABLE')),
    clients: environmentClients(pipeline, 'register-task-definitions'),
  });
});
