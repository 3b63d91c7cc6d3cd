/** A state machine as the service keeps it: its present definition, its versions and its aliases. */

import type { LoggingConfiguration, TracingConfiguration } from '@aws-sdk/client-sfn';
import type { Definition } from '../../asl/definition.ts';
import type { Ambient } from '../../asl/functions.ts';
import { compile, type Machine } from '../../asl/machine.ts';
import { variableReferencesOf } from '../../asl/references.ts';
import type { Random } from '../../core/random.ts';
import { ServiceError } from '../../core/service.ts';

/** What PublishStateMachineVersion calls the revision that a machine was made with. */
export const INITIAL = 'INITIAL';

export type MachineType = 'STANDARD' | 'EXPRESS';

/** What an execution is started with, and keeps to its end whatever happens to the machine. */
export class Revision {
  readonly definition: string;
  readonly roleArn: string;
  /** "The first revision ID when you create the state machine is null." */
  readonly revisionId: string | undefined;
  /** Of its machine's revisions, from 0. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly made: number;
  readonly description: string | undefined;
  private readonly ambient: Ambient;
  private machine: Machine | undefined;

  constructor(settings: Pick<Revision, 'definition' | 'roleArn' | 'revisionId' | 'number' | 'made' | 'description'>, ambient: Ambient) {
    this.definition = settings.definition;
    this.roleArn = settings.roleArn;
    this.revisionId = settings.revisionId;
    this.number = settings.number;
    this.made = settings.made;
    this.description = settings.description;
    this.ambient = ambient;
  }

  get compiled(): Machine {
    this.machine ??= compile(JSON.parse(this.definition) as Definition, this.ambient);
    return this.machine;
  }

  /** As DescribeStateMachine shows them: the variables that states refer to. */
  get references(): { readonly variableReferences?: Record<string, string[]> } {
    return referencesIn(JSON.parse(this.definition) as Definition);
  }

  /** The same, with a description of its own. */
  described(description: string | undefined): Revision {
    const { definition, roleArn, revisionId, number, made } = this;
    return description === undefined ? this : new Revision({ definition, roleArn, revisionId, number, made, description }, this.ambient);
  }
}

export interface Alias {
  readonly name: string;
  routes: readonly { readonly version: number; readonly weight: number }[];
  description: string;
  readonly created: number;
  updated: number;
}

/** A machine, or one of its versions, found by an ARN. */
export interface Qualified {
  readonly machine: StateMachine;
  readonly revision: Revision;
  /** Undefined for the machine itself. */
  readonly version?: number;
  readonly alias?: Alias;
}

/** What CreateStateMachine compares to tell a repetition from another machine of the same name. */
interface Made {
  readonly definition: string;
  readonly type: MachineType;
  readonly logging: LoggingConfiguration;
  readonly tracing: TracingConfiguration;
  readonly version: { readonly description: string | undefined } | undefined;
}

export class StateMachine {
  readonly arn: string;
  readonly name: string;
  readonly type: MachineType;
  readonly created: number;
  readonly versions = new Map<number, Revision>();
  readonly aliases = new Map<string, Alias>();
  revision: Revision;
  tags: Readonly<Record<string, string>>;
  /** As given: kept and shown, without effect here. */
  logging: LoggingConfiguration;
  tracing: TracingConfiguration;
  deleting = false;
  private published = 0;
  private readonly publishedAtFirst: Made['version'];

  constructor(settings: {
    readonly arn: string;
    readonly name: string;
    readonly type: MachineType;
    readonly revision: Revision;
    readonly tags: Readonly<Record<string, string>>;
    readonly logging: LoggingConfiguration;
    readonly tracing: TracingConfiguration;
    readonly version: Made['version'];
  }) {
    this.arn = settings.arn;
    this.name = settings.name;
    this.type = settings.type;
    this.revision = settings.revision;
    this.created = settings.revision.made;
    this.tags = settings.tags;
    this.logging = settings.logging;
    this.tracing = settings.tracing;
    this.publishedAtFirst = settings.version;
  }

  /** Whether a request to make it says what it is. https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html */
  isLike({ definition, type, logging, tracing, version }: Made): boolean {
    const own: Made = {
      definition: this.revision.definition,
      type: this.type,
      logging: this.logging,
      tracing: this.tracing,
      version: this.publishedAtFirst,
    };
    return JSON.stringify(own) === JSON.stringify({ definition, type, logging, tracing, version });
  }

  /** Keeps the present definition under the next number; the last one, if nothing has changed since. */
  publish(description?: string): number {
    const last = this.versions.get(this.published);
    if (last?.number === this.revision.number) return this.published;
    this.versions.set(++this.published, this.revision.described(description));
    return this.published;
  }

  /** Whether the present revision is the one that somebody means to publish. @throws ServiceError ConflictException */
  checkRevision(revisionId: string | undefined): void {
    const current = this.revision.revisionId ?? INITIAL;
    if (revisionId !== undefined && revisionId !== current)
      throw new ServiceError(
        'ConflictException',
        `Failed to publish the State Machine version for revision ${revisionId}. The current State Machine revision is ${current}.`,
      );
  }

  /** @param qualifier a version's number or an alias's name @throws ServiceError StateMachineDoesNotExist */
  qualified(qualifier: string | undefined, random: Random): Qualified {
    if (qualifier === undefined) return { machine: this, revision: this.revision };
    const alias = this.aliases.get(qualifier);
    const version = alias === undefined ? Number(qualifier) : route(alias, random);
    const revision = this.versions.get(version);
    if (revision === undefined) throw noMachine(`${this.arn}:${qualifier}`);
    return { machine: this, revision, version, ...(alias === undefined ? {} : { alias }) };
  }
}

function route({ routes }: Alias, random: Random): number {
  let left = random.next() * 100;
  for (const { version, weight } of routes) {
    left -= weight;
    if (left < 0) return version;
  }
  return routes.at(-1)!.version;
}

/** @param number of the machine's revisions, from 0 */
export function revisionOf(definition: string, roleArn: string, ambient: Ambient, number: number): Revision {
  const revisionId = number === 0 ? undefined : ambient.random.uuid();
  return new Revision({ definition, roleArn, revisionId, number, made: ambient.now(), description: undefined }, ambient);
}

function referencesIn(definition: Definition): Revision['references'] {
  const variableReferences = variableReferencesOf(definition);
  return Object.keys(variableReferences).length === 0 ? {} : { variableReferences };
}

export const noMachine = (arn: string) => new ServiceError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
/** An alias that is not there. */
export const noResource = () => new ServiceError('ResourceNotFound', 'Request references a resource that does not exist.');
export const noExecution = (arn: string) => new ServiceError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);

/** Names of machines and executions. https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html @throws ServiceError InvalidName */
export function checkName(name: string): void {
  if (!/^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}]{1,80}$/u.test(name)) throw new ServiceError('InvalidName', `Invalid Name: '${name}'`);
}
