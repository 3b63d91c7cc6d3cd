/** What a promotion would do and wait for, as a value: read from the ledger and ECS, rendered by the pipeline's own code. */
import { Migrations } from '../aws/migrations.ts';
import type { Source } from '../cli/connection/source.ts';
import { approvalOf, databasesOf } from '../domain/database/databases.ts';
import { whatKeepsOut } from '../domain/environment/freeze-and-pin.ts';
import { isOpen, nextOpening } from '../domain/environment/hours.ts';
import type { ApprovalRecord, ReleaseRecord, RunningRecord, ServiceRecord } from '../domain/ledger/records.ts';
import { groupsMovedBy, isComplete, missingOf, repositoriesOf } from '../domain/pipeline/composition.ts';
import { promotionExecution, releaseExecution, rolloutAlarms } from '../domain/pipeline/names.ts';
import type { ApprovalRule, Environment, Group, ServiceDefinition } from '../domain/pipeline/pipeline.ts';
import { foundationPlaceholder } from '../domain/promotion/planned-requests.ts';
import { compareOrders } from '../domain/release/order.ts';
import { bareRelease, membersOf, type Release, releaseTitle, shortDigest } from '../domain/release/release.ts';
import { strategyOf } from '../domain/rollout/choice.ts';
import type { Strategy } from '../domain/rollout/strategy.ts';
import { diffDefinitions } from '../domain/task-definition/comparison.ts';
import { renderTaskDefinition } from '../domain/task-definition/rendering.ts';
import type { DiffLine } from '../domain/text/diff.ts';

/** What somebody would order. */
export interface Order {
  /** A set has members. */
  readonly release: Release;
  readonly to: string;
  /** Where a set comes from. */
  readonly from?: string;
  readonly hotfix?: string;
}

export interface Plan {
  readonly release: Release;
  readonly to: string;
  readonly stage: string;
  /** Why it would be refused as it stands, in words; empty where it would go in, now or when what it waits for has come. */
  readonly refusals: readonly string[];
  /** What it would wait for before it enters the stage. */
  readonly waitsFor: readonly Wait[];
  /** All of the stage: its environments move together. */
  readonly environments: readonly EnvironmentPlan[];
}

export interface Wait {
  readonly what: 'approval' | 'turn' | 'hours' | 'wake' | 'migration' | 'pause';
  readonly text: string;
}

export interface EnvironmentPlan {
  readonly environment: string;
  readonly changes: readonly Change[];
  readonly waitsFor: readonly Wait[];
  readonly services: readonly ServicePlan[];
  readonly migrations: readonly MigrationPlan[];
  /** Of the configuration here, and of the one that the newest promotion into it used, where they differ. */
  readonly configuration?: { readonly here: string; readonly last: string };
}

/** From one release of a repository to another. */
export interface Change {
  readonly repository: string;
  readonly from: Release | null;
  readonly to: Release;
  /** `unknown`: the ledger has no order for one of them. */
  readonly direction: 'first' | 'same' | 'forward' | 'back' | 'unknown';
  /** Newest first: what comes in or, going back, what is taken out. */
  readonly commits: readonly Commit[];
}

export interface Commit {
  /** In the repository's order: 1 is the oldest that the ledger knows. */
  readonly number: number;
  readonly tag: string;
  readonly digest: string;
  readonly commit: string | null;
  readonly message: string | null;
  readonly author: string | null;
  readonly state: ReleaseRecord['state'];
}

export interface ServicePlan {
  readonly service: string;
  /** The revision that runs; null where there is none. */
  readonly runs: string | null;
  /** `ecs`: against the revision that runs; `rendered`: against what runs, rendered by the configuration here. */
  readonly against: 'ecs' | 'rendered';
  readonly diff: readonly DiffLine[];
  readonly strategy: Strategy;
  /** CloudWatch alarms that would bring it back. */
  readonly alarms: readonly string[];
  /** It would not be deployed: these repositories have no release there yet. */
  readonly missing?: readonly string[];
}

export interface MigrationPlan {
  /** `live/orders` */
  readonly database: string;
  readonly state: 'would run' | 'has run' | 'is busy';
  readonly by: string;
}

/** How far back promotions are looked through, as the pipeline does. */
const LOOK_BACK = 200;

export async function planOf(source: Source, order: Order): Promise<Plan> {
  const { pipeline } = source;
  const { release, to } = order;
  const stage = pipeline.path.find(({ environments }) => environments.includes(to));
  if (stage === undefined)
    return { release, to, stage: to, refusals: [`${to} is not on the path of this pipeline`], waitsFor: [], environments: [] };
  const gate = await source.ledger.gate(stage.name, release.repository);
  const views = await Promise.all(stage.environments.map((name) => planIn(source, order, pipeline.environments[name]!)));
  return {
    release,
    to,
    stage: stage.name,
    refusals: [...new Set([...(await refusalsOf(source, order, gate)), ...views.flatMap(({ refusals }) => refusals)])],
    waitsFor: gateOf(source, order, stage.name, gate),
    environments: views.map(({ refusals: _refusals, ...view }) => view),
  };
}

/** What the decide function would say no to. */
async function refusalsOf(source: Source, { release, to, from, hotfix }: Order, gate: ApprovalRecord | undefined): Promise<string[]> {
  const { pipeline, ledger } = source;
  const known = await ledger.release(release.repository, release.digest);
  const said: string[] = [];
  // Whoever looks at what waits for them orders nothing.
  const asked = isAsked(gate, release);
  if (known?.state === 'in-progress' && !asked)
    said.push(`${releaseTitle(known)} is on its way already: ${known.waitsFor ? `it waits for ${known.waitsFor}` : 'it moves'}`);
  const index = pipeline.path.findIndex(({ environments }) => environments.includes(to));
  const before = pipeline.path[index - 1];
  if (before !== undefined && hotfix === undefined && !asked && !before.environments.includes(from ?? '')) {
    const missing = await notSucceededIn(source, before.environments, release);
    const way = from === undefined ? 'promote it there first, or say why this is a --hotfix' : 'promote the set there first';
    if (missing) said.push(`${releaseTitle(missing)} has not held in ${before.name}, the stage before; ${way}`);
  }
  if (from !== undefined && pipeline.path.findIndex(({ environments }) => environments.includes(from)) >= index)
    said.push(`${from} does not come before ${to} on the path; see shiplock rollback for the way back`);
  if (source.kind === 'rehearsal') return said;
  const { Registry } = await import('../aws/ecr.ts');
  const registry = new Registry(source.connection);
  for (const member of membersOf(release)) {
    const image = await registry.image(member.repository, member.digest);
    const name = `${member.repository}@${shortDigest(member.digest)}`;
    if (image === undefined) said.push(`${name} is not in the registry any more; push it again`);
    else if (image.status !== 'ACTIVE') said.push(`${name} is archived; restore it in ECR, then retry`);
  }
  return said;
}

/** The first member that has held in none of them. */
async function notSucceededIn({ ledger }: Source, environments: readonly string[], release: Release): Promise<Release | undefined> {
  const promotions = (await Promise.all(environments.map((name) => ledger.promotions(name, LOOK_BACK)))).flat();
  const held = promotions.filter(({ state }) => state === 'succeeded').flatMap(({ release: own }) => membersOf(own));
  return membersOf(release).find(
    (member) => !held.some(({ repository, digest }) => repository === member.repository && digest === member.digest),
  );
}

const isAsked = (gate: ApprovalRecord | undefined, { digest }: Release) => gate?.state === 'waiting' && gate.release.digest === digest;

/** Whom the stage asks. */
function gateOf({ pipeline }: Source, { release }: Order, stage: string, gate: ApprovalRecord | undefined): Wait[] {
  const rule = approvalOf(pipeline, stage, release.repository);
  if (rule === undefined) return [];
  return [{ what: 'approval', text: `approval for ${stage} by ${askedText(rule, release)}${standingText(gate, release)}` }];
}

function askedText({ approvers, quorum, notAuthor, expiresHours }: ApprovalRule, { author, members }: Release): string {
  const wrote = members ? undefined : author;
  const number = quorum > 1 ? `${quorum} of ` : '';
  const not = notAuthor ? `, not by ${wrote ? `its author (${wrote})` : 'whoever wrote it'}` : '';
  return `${number}${approvers.join(', ')}${not}, within ${expiresHours} h`;
}

/** What has come to the gate before. */
function standingText(gate: ApprovalRecord | undefined, release: Release): string {
  if (gate?.state !== 'waiting') return '';
  if (isAsked(gate, release)) return `; asked already: shiplock approve ${gate.approval}`;
  return compareOrders(gate.release.order, release.order) > 0
    ? `; ${releaseTitle(gate.release)}, which is newer, waits there and would supersede it`
    : `; ${releaseTitle(gate.release)} waits there and would be superseded`;
}

async function planIn(
  source: Source,
  order: Order,
  environment: Environment,
): Promise<EnvironmentPlan & { readonly refusals: readonly string[] }> {
  const { pipeline, ledger } = source;
  const { name } = environment;
  const { release } = order;
  const groups = groupsMovedBy(pipeline, release);
  const [manifest, records, [last]] = await Promise.all([ledger.manifest(name), ledger.services(name), ledger.promotions(name, 1)]);
  const [changes, waitsFor, migrations, services, refusals] = await Promise.all([
    Promise.all(membersOf(release).map((member) => changeOf(source, manifest, member))),
    waitsIn(source, environment, release, groups),
    migrationsOf(source, environment, release),
    servicesOf(source, environment, release, groups, manifest, records),
    refusalsIn(source, environment, order, manifest),
  ]);
  const first = services.filter(({ missing }) => missing === undefined).length === 0;
  const runs = migrations.filter(({ state }) => state !== 'has run');
  const pauses = services.flatMap(({ service, strategy, missing }) =>
    strategy.kind !== 'rolling' && missing === undefined ? pauseText(service, strategy, environment) : [],
  );
  return {
    environment: name,
    changes,
    waitsFor: [...waitsFor, ...runs.map(migrationWait), ...pauses.map((text): Wait => ({ what: 'pause', text }))],
    services,
    migrations,
    refusals: [
      ...refusals,
      ...(first && services.length > 0
        ? groups.map(
            (group) =>
              `${group.name} also needs ${missingOf(group, together(manifest, release)).join(', ')}, and ${name} runs none of them yet`,
          )
        : []),
      ...(release.members && runs.length > 0
        ? [
            `a release of this set has a migration to run for ${name} (${runs.map(({ database }) => database).join(', ')}); promote it by itself first`,
          ]
        : []),
    ],
    ...(last && last.pipeline !== pipeline.digest ? { configuration: { here: pipeline.digest, last: last.pipeline } } : {}),
  };
}

const migrationWait = ({ database, state, by }: MigrationPlan): Wait => ({
  what: 'migration',
  text: state === 'is busy' ? `the migration of ${database}, which runs now` : `the migration of ${database} by ${by}`,
});

const pauseText = (service: string, strategy: Exclude<Strategy, { kind: 'rolling' }>, { name, approval }: Environment) =>
  `${service}: the checks at the test listener of ${name}${strategy.confirm ? `, and a confirmation by ${approval?.approvers.join(', ') ?? 'nobody'}` : ''}, at most ${strategy.pauseMinutes} min`;

const together = (manifest: readonly RunningRecord[], release: Release): Record<string, Release> =>
  Object.fromEntries([...manifest, ...membersOf(release)].map((one) => [one.repository, one]));

/** What keeps it out of an environment. */
async function refusalsIn(
  { ledger, now }: Source,
  { name }: Environment,
  { release, hotfix }: Order,
  manifest: readonly RunningRecord[],
): Promise<string[]> {
  const holds = await ledger.freezeAndPins(name);
  const how = hotfix === undefined ? {} : { hotfix: { by: '', reason: hotfix } };
  return membersOf(release).flatMap((member) => {
    const held = whatKeepsOut(holds, member, how, now());
    const running = manifest.find(({ repository }) => repository === member.repository);
    const newer = running && member.order !== '' && compareOrders(running.order, member.order) > 0;
    return [
      ...(held ? [held] : []),
      ...(newer
        ? [`${name} runs ${releaseTitle(running)}, which is newer than ${member.tag}; the way back is shiplock rollback ${name}`]
        : []),
    ];
  });
}

async function changeOf({ ledger }: Source, manifest: readonly RunningRecord[], to: Release): Promise<Change> {
  const from = manifest.find(({ repository }) => repository === to.repository);
  const { repository } = to;
  const all = (await ledger.releasesOf(repository)).toSorted((a, b) => compareOrders(a.order, b.order));
  const commits = all.map((one, index) => commitOf(one, index + 1)).toReversed();
  const between = (low: Release, high: Release) => {
    const inside = new Set(
      all.filter(({ order }) => compareOrders(order, low.order) > 0 && compareOrders(order, high.order) <= 0).map(({ digest }) => digest),
    );
    return commits.filter(({ digest }) => inside.has(digest));
  };
  if (from === undefined)
    return { repository, from: null, to, direction: 'first', commits: commits.filter(({ digest }) => digest === to.digest) };
  const running = bareRelease(from);
  if (from.digest === to.digest) return { repository, from: running, to, direction: 'same', commits: [] };
  if (to.order === '' || from.order === '') return { repository, from: running, to, direction: 'unknown', commits: [] };
  return compareOrders(from.order, to.order) < 0
    ? { repository, from: running, to, direction: 'forward', commits: between(from, to) }
    : { repository, from: running, to, direction: 'back', commits: between(to, from) };
}

const commitOf = ({ tag, digest, commit, message, author, state }: ReleaseRecord, number: number): Commit => ({
  number,
  tag,
  digest,
  commit: commit ?? null,
  message: message ?? null,
  author: author ?? null,
  state,
});

/** Sleep, hours and turns. */
async function waitsIn(source: Source, environment: Environment, release: Release, groups: readonly Group[]): Promise<Wait[]> {
  const { turns, now } = source;
  const { name, onDemand } = environment;
  const found: Wait[] = [];
  const state = await turns.state(environment);
  if (state !== 'up') {
    if (onDemand && onDemand.outside === 'wait' && !isOpen(onDemand.hours, now()))
      found.push({ what: 'hours', text: `the morning: ${name} opens at ${new Date(nextOpening(onDemand.hours, now())).toISOString()}` });
    else if (state === 'waking') found.push({ what: 'wake', text: `${name}, which wakes` });
    else found.push({ what: 'wake', text: `${name} to ${state === 'down' ? 'wake' : 'be down, and to wake again'}` });
  }
  const tickets = [
    ...(await turns.tickets(environment)),
    ...(await Promise.all(groups.map((group) => turns.groupTickets(environment, group.name)))).flat(),
  ];
  const others = tickets.filter(
    ({ candidate }) => candidate === undefined || candidate.repository !== release.repository || candidate.title !== releaseTitle(release),
  );
  const ahead = [...new Set(others.map(({ id, candidate }) => candidate?.title ?? id))];
  if (ahead.length > 0) found.push({ what: 'turn', text: `its turn in ${name}, behind ${ahead.join(', ')}` });
  return found;
}

async function migrationsOf({ pipeline, ledger }: Source, environment: Environment, release: Release): Promise<MigrationPlan[]> {
  const migrations = new Migrations(ledger.table);
  const found: MigrationPlan[] = [];
  for (const member of membersOf(release))
    for (const { id } of databasesOf(pipeline, environment, member.repository)) {
      const [runs, holder] = await Promise.all([migrations.runs(id, member.digest), migrations.holder(id)]);
      const state = runs.some((run) => run.state === 'succeeded') ? 'has run' : holder ? 'is busy' : 'would run';
      found.push({ database: id, state, by: releaseTitle(member) });
    }
  return found;
}

async function servicesOf(
  source: Source,
  environment: Environment,
  release: Release,
  groups: readonly Group[],
  manifest: readonly RunningRecord[],
  records: readonly ServiceRecord[],
): Promise<ServicePlan[]> {
  const { pipeline } = source;
  const releases = together(manifest, release);
  const running = Object.fromEntries(manifest.map((record) => [record.repository, record]));
  const definitions = source.kind === 'rehearsal' ? undefined : new (await import('../aws/definitions.ts')).Definitions(source.connection);
  const plans: ServicePlan[] = [];
  for (const service of groups.flatMap(({ services }) => services.map((name) => pipeline.services[name]!))) {
    const strategy = strategyOf(environment, service);
    const record = records.find((one) => one.service === service.name);
    const common = {
      service: service.name,
      runs: record?.taskDefinition ?? null,
      strategy,
      alarms: strategy.kind === 'rolling' ? [] : rolloutAlarms(pipeline.name, environment.name, service.name),
    };
    if (!isComplete(service, releases)) {
      const missing = repositoriesOf([service]).filter((repository) => !(repository in releases));
      plans.push({ ...common, against: 'rendered', diff: [], missing });
      continue;
    }
    const after = rendered(source, environment, service, releases);
    const found = record && (await definitions?.find(record.taskDefinition));
    const before = found
      ? { ...found.definition, tags: found.tags }
      : record && isComplete(service, running)
        ? rendered(source, environment, service, running)
        : undefined;
    plans.push({ ...common, against: found || record === undefined ? 'ecs' : 'rendered', diff: diffDefinitions(before, after) });
  }
  return plans;
}

function rendered({ pipeline }: Source, environment: Environment, service: ServiceDefinition, releases: Readonly<Record<string, Release>>) {
  const site = pipeline.sites[environment.site]!;
  const [repository = ''] = repositoriesOf([service]);
  return renderTaskDefinition({
    pipeline,
    environment,
    service,
    releases,
    repositoryUris: Object.fromEntries(
      Object.keys(pipeline.repositories).map((name) => [name, `${site.account}.dkr.ecr.${site.region}.amazonaws.com/${name}`]),
    ),
    foundation: foundationPlaceholder(pipeline, environment.name),
    // Of no promotion yet: its tag is no part of the comparison.
    promotion: promotionExecution(environment.name, releaseExecution(repository, releases[repository]?.digest ?? '', 1)),
  });
}
