/** What names stand for in one stack: pseudo parameters, parameters, conditions, mappings, resources made so far, exports of others. */
import type { CreatedResource } from '../core/service.ts';
import type { StackArtifact } from './assembly.ts';
import { holds, resolve, type Scope } from './intrinsics.ts';
import { TemplateError } from './template.ts';

/** A resource as others see it. */
export interface KnownResource {
  readonly type: string;
  readonly created: CreatedResource;
}

export class StackScope implements Scope {
  readonly region: string;
  private readonly stack: StackArtifact;
  private readonly resources: ReadonlyMap<string, KnownResource>;
  private readonly exports: ReadonlyMap<string, unknown>;
  private readonly pseudo: Readonly<Record<string, unknown>>;
  private readonly parameters = new Map<string, unknown>();
  private readonly decided = new Map<string, boolean>();

  /**
   * @param resources those that are made so far
   * @param exports of all stacks of this account and Region
   * @throws TemplateError for a parameter without a value
   */
  constructor(stack: StackArtifact, stackId: string, resources: ReadonlyMap<string, KnownResource>, exports: ReadonlyMap<string, unknown>) {
    this.stack = stack;
    this.region = stack.region;
    this.resources = resources;
    this.exports = exports;
    this.pseudo = {
      'AWS::AccountId': stack.account,
      'AWS::Region': stack.region,
      'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com',
      'AWS::StackName': stack.name,
      'AWS::StackId': stackId,
      'AWS::NotificationARNs': [],
      'AWS::NoValue': undefined,
    };
    for (const [name, { Type, Default }] of Object.entries(stack.template.Parameters ?? {}))
      this.parameters.set(name, parameterValue(stack.name, name, Type, stack.parameters[name] ?? Default));
  }

  ref(name: string): unknown {
    if (name in this.pseudo) return this.pseudo[name];
    if (this.parameters.has(name)) return this.parameters.get(name);
    return this.made(name).created.ref;
  }

  attribute(logicalId: string, attribute: string): unknown {
    const { type, created } = this.made(logicalId);
    const value = created.attributes?.[attribute];
    if (value !== undefined) return value;
    const known = Object.keys(created.attributes ?? {});
    throw new Error(
      `Fn::GetAtt: ${logicalId} (${type}) has no attribute ${attribute}; local AWS knows ${known.length > 0 ? known.join(', ') : 'none of it'}`,
    );
  }

  condition(name: string): boolean {
    let decided = this.decided.get(name);
    if (decided === undefined) {
      const condition = this.stack.template.Conditions?.[name];
      if (condition === undefined) throw new Error(`there is no condition ${name}`);
      decided = holds(condition, this);
      this.decided.set(name, decided);
    }
    return decided;
  }

  imported(exportName: string): unknown {
    if (!this.exports.has(exportName)) throw new Error(`No export named ${exportName} found.`);
    return this.exports.get(exportName);
  }

  mapped(map: string, first: string, second: string): unknown {
    const value = this.stack.template.Mappings?.[map]?.[first]?.[second];
    if (value === undefined) throw new Error(`Fn::FindInMap: no ${map}.${first}.${second}`);
    return resolve(value, this);
  }

  private made(logicalId: string): KnownResource {
    const resource = this.resources.get(logicalId);
    if (resource !== undefined) return resource;
    const exists = logicalId in (this.stack.template.Resources ?? {});
    throw new Error(
      exists
        ? `refers to ${logicalId}, which is not made: its condition does not hold`
        : `refers to ${logicalId}, which is neither a resource nor a parameter`,
    );
  }
}

/** The version of the bootstrap stack that a synthesised template asks for; nothing on this machine needs bootstrapping. */
const BOOTSTRAP_PARAMETER = /^\/cdk-bootstrap\//;
const BOOTSTRAP_VERSION = '30';

function parameterValue(stack: string, name: string, type: string, value: unknown): unknown {
  if (value === undefined) throw new TemplateError(stack, `Parameters.${name}`, 'has no value and no default');
  if (type.startsWith('AWS::SSM::Parameter::Value')) {
    if (BOOTSTRAP_PARAMETER.test(String(value))) return BOOTSTRAP_VERSION;
    throw new TemplateError(stack, `Parameters.${name}`, `local AWS does not resolve parameters of type ${type}`);
  }
  return type === 'CommaDelimitedList' || type.startsWith('List<')
    ? String(value)
        .split(',')
        .map((part) => part.trim())
    : value;
}
