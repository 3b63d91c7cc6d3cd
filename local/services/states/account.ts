/** The state machines and executions of one account and Region, and the events that tell of them. */
import type { LoggingConfiguration, TracingConfiguration } from '@aws-sdk/client-sfn';
import { Data, type Json, PAYLOAD_LIMIT } from '../../asl/data.ts';
import type { ActivityTask, ItemsRequest, TaskRequest } from '../../asl/environment.ts';
import type { Ambient } from '../../asl/functions.ts';
import { lintDefinition, refusal } from '../../asl/lint.ts';
import { parseResource } from '../../asl/resource.ts';
import type { Status } from '../../asl/run.ts';
import { TaskTokens } from '../../asl/tokens.ts';
import { type Bound, bound, type Listener, tell } from '../../core/bound.ts';
import type { Clock } from '../../core/clock.ts';
import { assertAssumable, authorize } from '../../core/iam/authorize.ts';
import { identities } from '../../core/iam/identities.ts';
import type { Random } from '../../core/random.ts';
import { remembered } from '../../core/remembered.ts';
import { ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { Activities } from './activity.ts';
import { machineParts } from './arn.ts';
import type { Follower } from './follower.ts';
import { Integrations, MANAGED_RULES } from './integrations.ts';
import { checkName, type MachineType, noExecution, noMachine, type Qualified, revisionOf, StateMachine } from './machine.ts';
import { type Recorder, Recording } from './recording.ts';
import { redriveStatus } from './redrive.ts';
import type { Started } from './started.ts';
import { complaint } from './syntax.ts';
import type { TestEnvironment } from './test-state.ts';

const SERVICE = 'states.amazonaws.com';
const DAY = 86_400_000;
/** How long a closed execution is kept, and its name taken. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const KEPT = 90 * DAY;
/** Seconds that an execution may last. */
const LONGEST: Readonly<Record<MachineType, number>> = { STANDARD: 31_536_000, EXPRESS: 300 };
/** Input and output in an event, in bytes; larger ones are left out. https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
const EVENT_DATA = 248 * 1024;

/** An execution as tests and fault sweeps look at it. */
export interface ExecutionView {
  readonly arn: string;
  readonly name: string;
  readonly machine: string;
  readonly status: Status;
  /** The states that run now; those inside a Parallel or Map follow it. */
  readonly states: readonly string[];
  /** Tokens that it waits for. */
  readonly tokens: readonly { readonly token: string; readonly state: string }[];
  readonly input: Json;
  readonly output?: Json;
  readonly error?: string;
  readonly cause?: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt?: number;
}

/** What is wrong with a definition. Every world that is made of the same assembly asks for the same ones. */
const checked = Object.fromEntries(
  (['STANDARD', 'EXPRESS'] as const).map((type) => [
    type,
    remembered((definition) => ({ refused: refusal(lintDefinition(definition, type)) })),
  ]),
) as Readonly<Record<MachineType, (definition: string) => { readonly refused: string | undefined }>>;

export class StatesAccount implements Recorder {
  readonly site: Site;
  readonly machines = new Map<string, StateMachine>();
  /** By ARN, in the order of their start. */
  readonly executions = new Map<string, Started>();
  readonly random: Random;
  readonly tokens: TaskTokens;
  readonly activities: Activities;
  readonly ambient: Ambient;
  moment: number | undefined;
  private readonly integrations: Integrations;

  constructor(site: Site) {
    this.site = site;
    this.random = site.world.random.fork(`states/${site.account}/${site.region}`);
    this.tokens = new TaskTokens(this.random.fork('tokens'));
    const { clock } = site.world;
    this.activities = new Activities(clock);
    this.ambient = { now: () => this.moment ?? clock.now(), random: this.random.fork('expressions') };
    this.integrations = new Integrations(site, this.random);
  }

  /** Makes a machine; an equal one that exists is given back. @throws ServiceError */
  create(settings: {
    readonly name: string;
    readonly type: MachineType;
    readonly definition: string;
    readonly roleArn: string;
    readonly tags?: Readonly<Record<string, string>>;
    readonly logging?: LoggingConfiguration | undefined;
    readonly tracing?: TracingConfiguration | undefined;
    /** A first version, published with it. */
    readonly version?: { readonly description: string | undefined };
  }): StateMachine {
    const { name, type, definition, roleArn, version } = settings;
    const logging = settings.logging ?? { level: 'OFF', includeExecutionData: false };
    const tracing = settings.tracing ?? { enabled: false };
    checkName(name);
    this.check(definition, type);
    const arn = this.site.arn('states', `stateMachine:${name}`);
    const existing = this.machines.get(arn);
    if (existing?.deleting) throw new ServiceError('StateMachineDeleting', `State Machine Deleting: '${arn}'`);
    if (existing !== undefined) {
      // "If a following request has a different roleArn or tags, Step Functions will ignore these differences."
      if (existing.isLike({ definition, type, logging, tracing, version })) return existing;
      throw new ServiceError('StateMachineAlreadyExists', `State Machine Already Exists: '${arn}'`);
    }
    this.checkRole(roleArn, arn, definition);
    const machine = new StateMachine({
      arn,
      name,
      type,
      revision: revisionOf(definition, roleArn, this.ambient, 0),
      tags: settings.tags ?? {},
      logging,
      tracing,
      version,
    });
    if (version !== undefined) machine.publish(version.description);
    this.machines.set(arn, machine);
    return machine;
  }

  /** Changes a machine; executions that run keep what they were started with. @throws ServiceError */
  update(machine: StateMachine, change: { readonly definition?: string | undefined; readonly roleArn?: string | undefined }): void {
    const definition = change.definition ?? machine.revision.definition;
    const roleArn = change.roleArn ?? machine.revision.roleArn;
    this.check(definition, machine.type);
    this.checkRole(roleArn, machine.arn, definition);
    const { revision } = machine;
    // What changes nothing makes no new revision.
    if (definition !== revision.definition || roleArn !== revision.roleArn)
      machine.revision = revisionOf(definition, roleArn, this.ambient, revision.number + 1);
  }

  /** @throws ServiceError InvalidDefinition */
  check(definition: string, type: MachineType): void {
    const { refused } = checked[type](definition);
    if (refused !== undefined) throw new ServiceError('InvalidDefinition', refused);
  }

  /** Step Functions may take the role, and the role may make the rules that `.sync` needs. @throws ServiceError AccessDeniedException */
  private checkRole(roleArn: string, machineArn: string, definition: string): void {
    const { world, region, account } = this.site;
    try {
      assertAssumable(world, roleArn, SERVICE, region, { 'aws:SourceArn': machineArn, 'aws:SourceAccount': account });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const message = `Neither the global service principal ${SERVICE}, nor the regional one is authorized to assume the provided role.`;
      throw new ServiceError('AccessDeniedException', message, 400);
    }
    const rules = new Set<string>();
    for (const [, text] of definition.matchAll(/"Resource"\s*:\s*"([^"]+)"/g)) {
      const resource = parseResource(text!);
      if (resource?.kind !== 'integration' || !resource.pattern.startsWith('sync')) continue;
      const rule = MANAGED_RULES[resource.service];
      if (rule !== undefined) rules.add(rule);
    }
    if (rules.size === 0) return;
    const principal = identities(world, roleArn.split(':')[4]!).rolePrincipal(roleArn, 'states');
    for (const rule of rules)
      for (const action of ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'])
        try {
          authorize(world, principal, { action, resource: this.site.arn('events', `rule/${rule}`) }, region);
        } catch (error) {
          if (!(error instanceof ServiceError)) throw error;
          throw new ServiceError('AccessDeniedException', `'${roleArn}' is not authorized to create managed-rule. ${error.message}`, 400);
        }
  }

  /** Ends a machine: its running executions at their next transition, then itself. */
  delete(machine: StateMachine): void {
    machine.deleting = true;
    this.forgetDeleted(machine);
  }

  private forgetDeleted(machine: StateMachine): void {
    const own = [...this.executions].filter(([, started]) => started.machine === machine);
    if (own.some(([, { execution }]) => execution.end === undefined)) return;
    for (const [arn] of own) this.executions.delete(arn);
    this.machines.delete(machine.arn);
  }

  /** A machine by its ARN, or by that of a version or an alias. @throws ServiceError StateMachineDoesNotExist, InvalidArn */
  find(arn: string): Qualified {
    const { machine: own, qualifier } = machineParts(arn);
    const machine = this.machines.get(own);
    if (machine === undefined) throw noMachine(arn);
    return machine.qualified(qualifier, this.random);
  }

  /** A machine by its own ARN. @throws ServiceError StateMachineDoesNotExist, InvalidArn */
  machine(arn: string): StateMachine {
    const { machine, version } = this.find(arn);
    if (version !== undefined) throw noMachine(arn);
    return machine;
  }

  /** Takes up an execution that did not succeed. @returns when, in milliseconds since the epoch @throws ServiceError ExecutionNotRedrivable */
  redrive(arn: string, clientToken: string | undefined): number {
    const started = this.execution(arn);
    const { execution } = started;
    const { clock } = this.site.world;
    const before = clientToken === undefined ? undefined : started.redriveTokens.get(clientToken);
    // "The API is idempotent for … the client token."
    if (before !== undefined) return before;
    const status = redriveStatus(started, clock.now());
    if (status.redriveStatus === 'NOT_REDRIVABLE')
      throw new ServiceError('ExecutionNotRedrivable', `Execution Not Redrivable: '${status.redriveStatusReason}'`);
    execution.redrive();
    started.recording?.redriven();
    const time = clock.now();
    if (clientToken !== undefined) started.redriveTokens.set(clientToken, time);
    void execution.ended.then(() => this.ended(started));
    this.publish(started);
    return time;
  }

  /** @throws ServiceError ExecutionDoesNotExist */
  execution(arn: string): Started {
    const started = this.executions.get(arn);
    if (started === undefined || this.forgotten(started)) throw noExecution(arn);
    return started;
  }

  private forgotten({ execution }: Started): boolean {
    return execution.endedAt !== undefined && execution.endedAt + KEPT <= this.site.world.clock.now();
  }

  /**
   * Starts an execution. Of a STANDARD machine, the same name and input as one that runs gives that one.
   * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
   * @throws ServiceError ExecutionAlreadyExists, StateMachineDeleting, InvalidName, InvalidExecutionInput
   */
  start({ machine, revision, version, alias }: Qualified, input: string, givenName?: string): Started {
    if (machine.deleting) throw new ServiceError('StateMachineDeleting', `State Machine Deleting: '${machine.arn}'`);
    const name = givenName ?? this.random.uuid();
    checkName(name);
    const data = executionInput(input);
    const express = machine.type === 'EXPRESS';
    const arn = this.site.arn(
      'states',
      express ? `express:${machine.name}:${name}:${this.random.uuid()}` : `execution:${machine.name}:${name}`,
    );
    const existing = this.executions.get(arn);
    if (existing !== undefined && !this.forgotten(existing)) {
      if (existing.execution.end === undefined && existing.execution.input.text === input) return existing;
      throw new ServiceError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);
    }
    const recording = new Recording(this, {
      arn,
      name,
      input: data,
      revision,
      stateMachine: { id: machine.arn, name: machine.name },
      longest: LONGEST[machine.type],
    });
    const started: Started = {
      recording,
      execution: recording.execution,
      machine,
      revision,
      redriveTokens: new Map(),
      waiting: [],
      ...(version === undefined ? {} : { versionArn: `${machine.arn}:${version}` }),
      ...(alias === undefined ? {} : { aliasArn: `${machine.arn}:${alias.name}` }),
    };
    this.executions.delete(arn);
    this.executions.set(arn, started);
    const { clock, meter } = this.site.world;
    meter.record('states.execution', 1, this.labels(machine, name));
    void started.execution.ended.then(() => this.ended(started));
    if (!express) this.publish(started);
    // The caller has its answer before the first state is entered.
    clock.after(0, `execution ${name} starts`, bound(recording, recording.begin));
    return started;
  }

  /** Brings what runs to where it was, after all that is kept of it was read. @throws AnotherWayError */
  async resume(): Promise<void> {
    for (const started of this.executions.values()) {
      if (started.execution.end !== undefined || started.recording === undefined) continue;
      started.execution = await started.recording.runAgain(started.execution.history.events);
      void started.execution.ended.then(() => this.ended(started));
    }
  }

  get clock(): Clock {
    return this.site.world.clock;
  }

  get region(): string {
    return this.site.region;
  }

  request(task: TaskRequest, roleArn: string): Promise<Json> {
    return this.integrations.request(task, roleArn);
  }

  activityExists(arn: string): boolean {
    return this.activities.kept.has(arn);
  }

  activity(task: ActivityTask): () => void {
    return this.activities.schedule(task);
  }

  items(request: ItemsRequest, roleArn: string): Promise<Json> {
    return this.integrations.items(request, roleArn);
  }

  follow(task: TaskRequest, answer: Json, roleArn: string, heard: Bound): Follower {
    return this.integrations.follow(task, answer, roleArn, heard);
  }

  entered(recording: Recording): void {
    const started = this.executions.get(recording.settings.arn);
    if (started === undefined) return;
    const { name } = recording.settings;
    this.site.world.meter.record('states.transition', 1, this.labels(started.machine, name));
    if (started.machine.deleting) this.clock.after(0, `execution ${name} ends with its machine`, bound(recording, recording.stop));
  }

  private labels(machine: StateMachine, execution: string) {
    return { machine: machine.name, execution, type: machine.type, account: this.site.account, region: this.site.region };
  }

  /** Where TestState runs a state: with a role its call is made, without one it must be mocked. */
  testEnvironment(roleArn: string): TestEnvironment {
    const { world, region, account } = this.site;
    return {
      environment: {
        clock: world.clock,
        random: this.random,
        tokens: this.tokens,
        region,
        request: (task) => this.integrations.request(task, roleArn),
        follow: (task, answer) => this.integrations.followed(task, answer, roleArn),
      },
      place: `arn:aws:states:${region}:${account}`,
      roleArn: roleArn === '' ? undefined : roleArn,
    };
  }

  private ended(started: Started): void {
    started.recording?.finish();
    if (started.machine.type === 'STANDARD') this.publish(started);
    else this.executions.delete(started.execution.arn);
    if (started.machine.deleting) this.forgetDeleted(started.machine);
    for (const listener of started.waiting.splice(0)) tell(listener);
  }

  /** Tells `listener` when an execution has ended. @throws ServiceError ExecutionDoesNotExist */
  whenEnded(arn: string, listener: Listener<[]>): void {
    const { execution, waiting } = this.execution(arn);
    if (execution.end === undefined) waiting.push(listener);
    else tell(listener);
  }

  /** https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
  private publish(started: Started): void {
    const { execution, machine, versionArn, aliasArn } = started;
    const { end, status } = execution;
    const included = (text: string | undefined) => text !== undefined && Buffer.byteLength(text) <= EVENT_DATA;
    const output = end?.output?.text;
    this.site.service('events').publish({
      source: 'aws.states',
      'detail-type': 'Step Functions Execution Status Change',
      resources: [execution.arn],
      detail: {
        executionArn: execution.arn,
        stateMachineArn: machine.arn,
        stateMachineVersionArn: versionArn ?? null,
        stateMachineAliasArn: aliasArn ?? null,
        name: execution.name,
        status,
        startDate: execution.startedAt,
        stopDate: execution.endedAt ?? null,
        input: included(execution.input.text) ? execution.input.text : null,
        inputDetails: { included: included(execution.input.text) },
        output: included(output) ? output : null,
        outputDetails: output === undefined ? null : { included: included(output) },
        error: end?.error ?? null,
        cause: end?.cause ?? null,
        redriveCount: execution.redriven.length,
        redriveDate: execution.redriven.at(-1) ?? null,
        redriveStatusReason: null,
        ...redriveStatus(started, this.site.world.clock.now()),
      },
    });
  }

  /** Every execution that is kept, for tests and fault sweeps. */
  view(): readonly ExecutionView[] {
    const tokens = [...this.tokens.pending];
    return [...this.executions.values()].map(({ execution, machine }) => ({
      arn: execution.arn,
      name: execution.name,
      machine: machine.name,
      status: execution.status,
      states: execution.running.map(({ state }) => state),
      tokens: tokens.filter(([, { executionArn }]) => executionArn === execution.arn).map(([token, { state }]) => ({ token, state })),
      input: execution.input.value,
      ...(execution.end?.output === undefined ? {} : { output: execution.end.output.value }),
      ...(execution.end?.error === undefined ? {} : { error: execution.end.error }),
      ...(execution.end?.cause === undefined ? {} : { cause: execution.end.cause }),
      startedAt: execution.startedAt,
      ...(execution.endedAt === undefined ? {} : { endedAt: execution.endedAt }),
    }));
  }
}

/** @throws ServiceError InvalidExecutionInput */
function executionInput(text: string): Data {
  const invalid = (why: string) => new ServiceError('InvalidExecutionInput', `Invalid State Machine Execution Input: '${why}'`);
  if (Buffer.byteLength(text) > PAYLOAD_LIMIT) throw invalid('The input exceeds the maximum number of bytes service limit');
  if (text.trim() === '') throw invalid('Invalid execution input.');
  try {
    return new Data(JSON.parse(text) as Json, text);
  } catch (error) {
    throw invalid(complaint(text) ?? (error as Error).message);
  }
}
