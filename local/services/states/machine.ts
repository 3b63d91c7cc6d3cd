/** A state machine as the service keeps it: its present definition, its versions and its aliases. */

import type { Definition } from '../../asl/definition.ts';
import type { Ambient } from '../../asl/functions.ts';
import { compile, type Machine } from '../../asl/machine.ts';
import type { Random } from '../../core/random.ts';
import { ServiceError } from '../../core/service.ts';

export type MachineType = 'STANDARD' | 'EXPRESS';

/** What an execution is started with, and keeps to its end whatever happens to the machine. */
export class Revision {
  readonly definition: string;
  readonly roleArn: string;
  readonly revisionId: string;
  /** Milliseconds since the epoch. */
  readonly made: number;
  readonly description: string | undefined;
  private readonly ambient: Ambient;
  private machine: Machine | undefined;

  constructor(settings: Pick<Revision, 'definition' | 'roleArn' | 'revisionId' | 'made' | 'description'>, ambient: Ambient) {
    this.definition = settings.definition;
    this.roleArn = settings.roleArn;
    this.revisionId = settings.revisionId;
    this.made = settings.made;
    this.description = settings.description;
    this.ambient = ambient;
  }

  get compiled(): Machine {
    this.machine ??= compile(JSON.parse(this.definition) as Definition, this.ambient);
    return this.machine;
  }

  /** The same, with a description of its own. */
  described(description: string | undefined): Revision {
    const { definition, roleArn, revisionId, made } = this;
    return description === undefined ? this : new Revision({ definition, roleArn, revisionId, made, description }, this.ambient);
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
  logging: object | undefined;
  tracing: object | undefined;
  deleting = false;
  private published = 0;

  constructor(settings: {
    readonly arn: string;
    readonly name: string;
    readonly type: MachineType;
    readonly revision: Revision;
    readonly tags: Readonly<Record<string, string>>;
  }) {
    this.arn = settings.arn;
    this.name = settings.name;
    this.type = settings.type;
    this.revision = settings.revision;
    this.created = settings.revision.made;
    this.tags = settings.tags;
  }

  /** Keeps the present definition under the next number; the last one, if nothing has changed since. */
  publish(description?: string): number {
    const last = this.versions.get(this.published);
    if (last?.revisionId === this.revision.revisionId) return this.published;
    this.versions.set(++this.published, this.revision.described(description));
    return this.published;
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

export function revisionOf(definition: string, roleArn: string, ambient: Ambient): Revision {
  const settings = { definition, roleArn, revisionId: ambient.random.uuid(), made: ambient.now(), description: undefined };
  return new Revision(settings, ambient);
}

export const noMachine = (arn: string) => new ServiceError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
export const noExecution = (arn: string) => new ServiceError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);

/** Names of machines and executions. https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html @throws ServiceError InvalidName */
export function checkName(name: string): void {
  if (!/^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}]{1,80}$/u.test(name)) throw new ServiceError('InvalidName', `Invalid Name: '${name}'`);
}
