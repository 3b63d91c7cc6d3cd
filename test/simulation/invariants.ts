/** Watches a history while it happens: every change in ECS and every line of the journal is held against the invariants I1 to I6. */

import { isAuthor } from '../../domain/approval/approval.ts';
import type { PromotionRecord, ServiceRecord } from '../../domain/ledger/records.ts';
import { environmentName, stateMachineName } from '../../domain/pipeline/names.ts';
import { shortDigest } from '../../domain/release/release.ts';
import type { Call, Operation } from '../../local/core/service.ts';
import type { Service } from '../../local/services/ecs/service.ts';
import type { LocalPipeline } from '../../rehearsal/local-pipeline.ts';
import { LedgerView } from './ledger-view.ts';

/** Errors that say that our own code, its permissions or local AWS are wrong, whatever else went wrong around it. */
const OUR_FAULT = /^(AccessDenied|LocalAwsBug|NotImplemented|SerializationException|UnknownOperation|InvalidSignature|UnrecognizedClient)/;

interface EcsInput {
  readonly cluster?: string;
  readonly service?: string;
  readonly serviceName?: string;
  readonly serviceDeploymentArn?: string;
  readonly taskDefinition?: string;
  readonly desiredCount?: number;
}

/** Who has approved what, as the one who sent it knows. */
export interface Approval {
  readonly by: string;
  readonly stage: string;
  readonly digest: string;
}

export class InvariantWatch {
  readonly violations: string[] = [];
  readonly books: LedgerView;
  /** Every approval that somebody has sent, whatever was answered. */
  readonly approvals: Approval[] = [];
  /** Services that were deleted by hand and not deployed since: the ledger cannot know. `environment/service` */
  readonly deletedByHand = new Set<string>();
  /** How often each promotion has begun a deployment: `promotion service`. */
  readonly begun = new Map<string, number>();
  /** What happened in ECS, for people who read a failure. */
  readonly story: string[] = [];
  private readonly local: LocalPipeline;
  private readonly newest = new Map<string, string>();

  constructor(local: LocalPipeline) {
    this.local = local;
    this.books = new LedgerView(local);
    for (const name of ['CreateService', 'UpdateService', 'DeleteService', 'StopServiceDeployment']) this.watch(name);
    local.onJournal(({ at, text }) => {
      this.story.push(`${at} ${text}`);
      this.rising();
    });
  }

  private get now(): string {
    return new Date(this.local.clock.now()).toISOString();
  }

  say(what: string): void {
    this.story.push(`${this.now} ${what}`);
  }

  violate(invariant: string, what: string): void {
    this.violations.push(`${invariant} at ${this.now}: ${what}`);
    this.say(`VIOLATION ${invariant}: ${what}`);
  }

  /** Puts itself in front of an operation of ECS. */
  private watch(name: string): void {
    const operations = this.local.site.service('ecs').operations as Record<string, Operation>;
    const original = operations[name]!;
    operations[name] = {
      ...original,
      handle: async (input: EcsInput, call: Call) => {
        const found = this.place(input);
        const before = found ? this.deploymentsOf(found.environment, found.service) : 0;
        const output = await original.handle(input, call);
        if (found) this.changed(name, input, call, found, this.deploymentsOf(found.environment, found.service) - before);
        return output;
      },
    };
  }

  private place({ cluster, service, serviceName, serviceDeploymentArn }: EcsInput): { environment: string; service: string } | undefined {
    const [, stoppedCluster, stoppedService] = serviceDeploymentArn?.split(':')[5]?.split('/') ?? [];
    const inCluster = (cluster ?? stoppedCluster)?.split('/').at(-1);
    const name = (service ?? serviceName ?? stoppedService)?.split('/').at(-1);
    const { pipeline } = this.local;
    const environment = Object.keys(pipeline.environments).find((one) => environmentName(pipeline.name, one) === inCluster);
    return environment === undefined || name === undefined ? undefined : { environment, service: name };
  }

  service(environment: string, name: string): Service | undefined {
    const cluster = environmentName(this.local.pipeline.name, environment);
    return this.local.site
      .service('ecs')
      .servicesIn(cluster)
      .find((service) => service.name === name && service.status === 'ACTIVE');
  }

  /** The task definition that ECS wants to run. */
  private runs(environment: string, name: string): string | undefined {
    return this.service(environment, name)?.deployments.find(({ status }) => status === 'PRIMARY')?.revision.definition.arn;
  }

  private deploymentsOf(environment: string, name: string): number {
    return this.service(environment, name)?.history.length ?? 0;
  }

  /** Something has just changed in ECS. Nothing else has happened since: the ledger still says why it was allowed. */
  private changed(
    operation: string,
    input: EcsInput,
    { principal }: Call,
    { environment, service }: { environment: string; service: string },
    deployments: number,
  ): void {
    const step = principal.arn.split('/').at(-1) ?? '';
    const what = `${step} ${operation} ${environment}/${service} ${input.taskDefinition?.split('/').at(-1) ?? input.desiredCount ?? ''}`;
    this.say(what);
    if (principal.kind === 'user') {
      if (operation === 'DeleteService') this.deletedByHand.add(`${environment}/${service}`);
      return;
    }
    const { gate, groups } = this.books.turns(environment);
    const group = this.local.pipeline.services[service]?.group;
    const holder = groups.find((turns) => turns.group === group)?.holder;
    const held = holder?.phase === 'held' ? this.books.promotion(holder.ticket.id) : undefined;
    switch (step) {
      case 'teardown-environment':
        if (gate.exclusive?.phase !== 'held') this.violate('I1', `${what} without the environment turn`);
        if (groups.some(({ holder: other }) => other?.phase === 'held')) this.violate('I1', `${what} beside the holder of a group turn`);
        return;
      case 'wake-environment':
        if (gate.state !== 'waking') this.violate('I1', `${what} while the environment is ${gate.state}`);
        this.deletedByHand.delete(`${environment}/${service}`);
        return;
      default:
        if (gate.exclusive?.phase === 'held') this.violate('I1', `${what} beside the environment turn of ${gate.exclusive.ticket.id}`);
        if (held === undefined) {
          this.violate('I1', `${what} though nobody holds the turn of ${group}`);
          return;
        }
        if (gate.state !== 'up') this.violate('I1', `${what} while the environment is ${gate.state}`);
    }
    if (step === 'deploy-services') this.deployed(what, held, environment, service, input, deployments);
    else if (input.taskDefinition !== undefined && input.taskDefinition !== held.before?.[service])
      this.violate('I1', `${what}, but what ran before ${held.promotion} is ${held.before?.[service]}`);
  }

  private deployed(
    what: string,
    promotion: PromotionRecord,
    environment: string,
    service: string,
    { taskDefinition }: EcsInput,
    deployments: number,
  ): void {
    const { release } = promotion;
    if (taskDefinition !== promotion.taskDefinitions[service])
      this.violate('I1', `${what}, but the holder ${promotion.promotion} has registered ${promotion.taskDefinitions[service]}`);
    this.deletedByHand.delete(`${environment}/${service}`);
    for (const digest of this.digestsOf(taskDefinition ?? '', release.repository))
      if (digest !== release.digest) this.violate('I2', `${what} is ${digest}, but ${promotion.promotion} is about ${release.digest}`);
    this.approved(what, promotion);
    const running = this.books.running(environment).find(({ repository }) => repository === release.repository);
    if (running && running.order > release.order) this.violate('I3', `${what} is ${release.tag}, but ${environment} runs ${running.tag}`);
    const key = `${promotion.promotion} ${service}`;
    const begun = (this.begun.get(key) ?? 0) + deployments;
    this.begun.set(key, begun);
    if (begun > 1) this.violate('I6', `${what}: ${promotion.promotion} has begun ${begun} deployments of ${service}`);
  }

  /** Somebody who may has approved exactly this digest for this stage. */
  private approved(what: string, { stage, release }: PromotionRecord): void {
    const rule = this.local.pipeline.path.find(({ name }) => name === stage)?.approval;
    if (rule === undefined) return;
    const good = this.approvals.some(({ by, stage: asked, digest }) => {
      const person = this.local.pipeline.people[by];
      const known = person !== undefined && rule.approvers.includes(by) && asked === stage && digest === release.digest;
      return known && !(rule.notAuthor && (release.author === undefined || isAuthor(person, release.author)));
    });
    if (!good) this.violate('I2', `${what}: nobody who may has approved ${shortDigest(release.digest)} for ${stage}`);
  }

  digestsOf(taskDefinition: string, repository: string): string[] {
    const { value } = this.local.site.service('ecs').definitions.find(taskDefinition)!;
    return (value.containerDefinitions ?? []).flatMap(({ image }) => {
      const [name, digest] = image?.split('@') ?? [];
      return name?.split('/').at(-1)?.split(':')[0] === repository ? [digest ?? `${image} without a digest`] : [];
    });
  }

  /** The manifest of an environment only ever gets newer: nobody rolls back by hand in these histories. */
  private rising(): void {
    for (const environment of Object.keys(this.local.pipeline.environments))
      for (const { repository, order, tag } of this.books.running(environment)) {
        const key = `${environment}/${repository}`;
        const before = this.newest.get(key) ?? '';
        if (order < before) this.violate('I3', `${environment} runs ${repository} ${tag} after something newer`);
        this.newest.set(key, order);
      }
  }

  /** What must hold when all is quiet. */
  atRest(): void {
    this.rising();
    const { pipeline, site, world } = this.local;
    for (const { machine, name, status, states } of site.service('states').view())
      if (status === 'RUNNING') this.violate('I4', `${machine} ${name} still runs: ${states.join(', ')}`);
    for (const repository of Object.keys(pipeline.repositories))
      for (const { tag, state, waitsFor } of this.books.releases(repository))
        if (state === 'in-progress') this.violate('I4', `${repository} ${tag} still climbs, waits for ${waitsFor}`);
    for (const { name } of pipeline.path)
      for (const { approval, state } of this.books.gates(name)) if (state === 'waiting') this.violate('I4', `${approval} still waits`);
    const climbs = new Map<string, number>();
    for (const { machine, input } of site.service('states').view()) {
      if (machine !== stateMachineName(pipeline.name, 'release')) continue;
      const { repository, digest } = input as { repository: string; digest: string };
      climbs.set(`${repository}@${digest}`, (climbs.get(`${repository}@${digest}`) ?? 0) + 1);
    }
    for (const [image, count] of climbs) if (count > 1) this.violate('I6', `${image} was pushed once and climbs ${count} times`);
    for (const environment of Object.keys(pipeline.environments)) this.environmentAtRest(environment);
    for (const { kind, labels } of world.meter.usage)
      if (kind === 'call' && OUR_FAULT.test(labels.outcome ?? ''))
        this.violate('permissions and shapes', `${labels.caller} ${labels.service}:${labels.operation} ended as ${labels.outcome}`);
  }

  private environmentAtRest(environment: string): void {
    const { gate, groups } = this.books.turns(environment);
    for (const { group, holder, waiting } of groups)
      if (holder || waiting.length > 0)
        this.violate('I4', `${environment}: the turn of ${group} is still asked for by ${(holder?.ticket ?? waiting[0])?.id}`);
    if (gate.exclusive || gate.state === 'waking' || gate.state === 'tearing-down')
      this.violate('I4', `${environment} is still ${gate.state}, the environment turn is with ${gate.exclusive?.ticket.id}`);
    for (const { service, owner, state } of this.books.waits(environment))
      this.violate('I4', `${environment}/${service}: the wait of ${owner} is still there, ${state}`);
    const { pipeline, site } = this.local;
    const records = this.books.services(environment);
    if (this.books.freeze(environment)?.manualIntervention) {
      const isAsItWas = ({ service, taskDefinition }: ServiceRecord) => this.runs(environment, service) === taskDefinition;
      if (gate.state === 'up' && records.length > 0 && records.every(isAsItWas))
        this.violate('I5', `${environment} is frozen until a person has intervened, but everything runs as the ledger says`);
      return;
    }
    for (const { service, state, taskDefinition } of records) {
      if (this.deletedByHand.has(`${environment}/${service}`)) continue;
      const real = this.service(environment, service);
      const here = `${environment}/${service}`;
      if (state === 'absent') {
        if (real) this.violate('I5', `${here} is absent in the ledger, but ECS has it`);
        continue;
      }
      if (real === undefined) {
        this.violate('I5', `${here} is ${state} in the ledger, but ECS has no such service`);
        continue;
      }
      const runs = this.runs(environment, service);
      if (runs !== taskDefinition) this.violate('I5', `${here} runs ${runs}, the ledger says ${taskDefinition}`);
      if ((state === 'asleep') !== (real.desiredCount === 0))
        this.violate('I5', `${here} is ${state} and wants ${real.desiredCount} tasks`);
      for (const running of this.books.running(environment))
        for (const digest of this.digestsOf(taskDefinition, running.repository))
          if (digest !== running.digest) this.violate('I2', `${here} runs ${digest}, the ledger says ${running.digest}`);
    }
    for (const { repository, tag } of this.books.running(environment)) {
      const services = Object.values(pipeline.services).filter(({ containers }) =>
        Object.values(containers).some((source) => 'repository' in source && source.repository === repository),
      );
      const missing = services.find(({ name }) => !records.some(({ service }) => service === name));
      if (missing) this.violate('I5', `${environment} runs ${repository} ${tag}, but the ledger knows nothing of ${missing.name}`);
    }
    const cluster = environmentName(pipeline.name, environment);
    for (const { name, status } of site.service('ecs').servicesIn(cluster))
      if (status === 'ACTIVE' && !records.some(({ service }) => service === name))
        this.violate('I5', `ECS has ${environment}/${name}, the ledger does not`);
    if ((gate.state === 'down') !== records.every(({ state }) => state !== 'running') && records.length > 0)
      this.violate('I5', `${environment} is ${gate.state}, its services are ${records.map(({ state }) => state).join(', ')}`);
  }
}
