/** Looks once more whether the release may enter, then registers what its services shall run, paced to ECS's refill of one a second. */
import type * as z from 'zod/mini';
import { Registry } from '../aws/ecr.ts';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { Migrations } from '../aws/migrations.ts';
import { Pace } from '../aws/pace.ts';
import { register } from '../aws/registration.ts';
import { Parameters as ParameterStore } from '../aws/ssm.ts';
import { approvalOf } from '../domain/database/databases.ts';
import { renderMigration } from '../domain/database/migration.ts';
import { whatKeepsOut } from '../domain/environment/freeze-and-pin.ts';
import type { ByHand, Ordered, PromotionRecord } from '../domain/ledger/records.ts';
import { isComplete, missingOf, repositoriesOf } from '../domain/pipeline/composition.ts';
import type { Group, Pipeline } from '../domain/pipeline/pipeline.ts';
import { compareOrders } from '../domain/release/order.ts';
import { membersOf, type Release, releaseTitle, shortDigest } from '../domain/release/release.ts';
import { renderTaskDefinition } from '../domain/task-definition/rendering.ts';
import { MigrationDue, PromotionRefused, RegistrationPaced, Superseded } from '../domain/workflow/errors.ts';
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
  readonly registry: Pick<Registry, 'image' | 'uris'>;
  readonly parameters: Pick<ParameterStore, 'foundation'>;
  readonly ledger: Pick<
    Ledger,
    'promotion' | 'setPromotion' | 'release' | 'setRelease' | 'freezeAndPins' | 'running' | 'manifest' | 'gate'
  >;
  readonly pace: Pick<Pace, 'reserve'>;
  readonly migrations: Pick<Migrations, 'runs'>;
  readonly journal: Pick<Journal, 'write'>;
  readonly clients: (environment: string) => EnvironmentClients;
}

export const registerTaskDefinitions =
  (world: World) =>
  async (input: z.infer<typeof Input>, moment: Moment): Promise<{ services: readonly string[] }> => {
    const { pipeline, ledger, journal, registry, parameters, clients } = world;
    const { promotion, environment: name, release, releaseRun, stage } = input;
    const record = await ledger.promotion(promotion);
    if (record === undefined) throw new Error(`no promotion ${promotion} in the ledger`);
    const groups = groupsOf(pipeline, release);
    await mayEnter(world, input, record.ordered, moment.now());

    const environment = environmentOf(pipeline, name);
    const releases = await manifestWith(ledger, name, groups, membersOf(release));
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
    if (toRegister.length + toMigrate.length > 0) {
      await keepPace(world, record, toRegister.length + toMigrate.length, moment.now());
      const uris = await registry.uris(repositoriesOf(services));
      const { foundation } = await parameters.foundation(pipeline.name, name, []);
      const { ecs } = clients(name);
      for (const service of toRegister) {
        const request = renderTaskDefinition({ pipeline, environment, service, releases, repositoryUris: uris, foundation, promotion });
        const arn = await register(ecs, request as never);
        (record.taskDefinitions as Record<string, string>)[service.name] = arn;
        await ledger.setPromotion(promotion, { taskDefinitions: record.taskDefinitions });
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
    await ledger.setPromotion(promotion, { state: 'deploying' });
    await ledger.setRelease(release.repository, release.digest, releaseRun, { stage, waitsFor: undefined });
    await journal.write(entry(promotion, 'deploying', moment.now(), 'info', `deploys to ${name}`, { release, environment: name, stage }));
    return { services: services.map(({ name: service }) => service) };
  };

/** What may have changed since it was asked for: freeze, a newer release, the image itself, the approval. */
async function mayEnter(
  { pipeline, ledger, registry }: World,
  { environment, release, stage, releaseRun }: z.infer<typeof Input>,
  ordered: Ordered | undefined,
  now: number,
): Promise<void> {
  const holds = await ledger.freezeAndPins(environment);
  const keptOutBy = (hotfix?: ByHand) =>
    membersOf(release).flatMap((member) => whatKeepsOut(holds, member, { ordered, hotfix }, now) ?? [])[0];
  // Only where it is held back is it worth a look whether it is a hot-fix.
  const known = keptOutBy() ? await ledger.release(release.repository, release.digest) : undefined;
  const held = known?.execution === releaseRun ? keptOutBy(known.hotfix) : keptOutBy();
  if (held) throw new PromotionRefused(held);
  for (const member of membersOf(release)) {
    const running = await ledger.running(environment, member.repository);
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
    const gate = await ledger.gate(stage, release.repository);
    const good = gate?.state === 'approved' && gate.release.digest === release.digest && gate.releaseRun === releaseRun;
    // A newer release may have come to the gate since; then this one is superseded, not merely unapproved.
    if (!good && gate && compareOrders(gate.release.order, release.order) > 0)
      throw new Superseded(`${releaseTitle(gate.release)}, which is newer, has reached ${stage}`);
    if (!good) throw new PromotionRefused(`${releaseTitle(release)} has no approval for ${stage} any more`);
  }
}

/** The groups' releases in this environment with the new ones in their places. */
async function manifestWith(
  ledger: World['ledger'],
  environment: string,
  groups: readonly Group[],
  members: readonly Release[],
): Promise<Record<string, Release>> {
  const fresh = Object.fromEntries(members.map((release) => [release.repository, release]));
  const needed = groups.flatMap(({ repositories }) => repositories);
  if (needed.every((repository) => repository in fresh)) return fresh;
  const running = (await ledger.manifest(environment)).filter(({ repository }) => needed.includes(repository));
  return { ...Object.fromEntries(running.map((release) => [release.repository, release])), ...fresh };
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
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  return registerTaskDefinitions({
    pipeline,
    registry: new Registry(),
    parameters: new ParameterStore(),
    ledger,
    migrations: new Migrations(ledger.table),
    pace: new Pace(ledger.table),
    journal: new Journal(setting('JOURNAL_TABLE')),
    clients: environmentClients(pipeline, 'register-task-definitions'),
  });
});
