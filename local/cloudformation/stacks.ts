/** The stacks of a world: created, updated in place, replaced and deleted as their templates say. */
import { isDeepStrictEqual } from 'node:util';
import type { CreatedResource, ResourceContext, ResourceType } from '../core/service.ts';
import type { World } from '../core/site.ts';
import { readAssembly, type StackArtifact } from './assembly.ts';
import { ec2Id, generatedName } from './identifiers.ts';
import { references, resolve } from './intrinsics.ts';
import { inDependencyOrder } from './order.ts';
import { type KnownResource, StackScope } from './scope.ts';
import { checkShape, TemplateError, type TemplateResource } from './template.ts';
import { checkProperties, resourceTypes, type TypeTable, typeOf } from './types.ts';

/** A resource that is there, with what is needed to change or delete it. */
interface StackResource extends KnownResource {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly deletionPolicy: string;
  /** Counts replacements, for made-up names. */
  readonly generation: number;
}

interface Stack {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly id: string;
  /** In the order of their making. */
  readonly resources: Map<string, StackResource>;
  /** By logical id, of what was retained: one that comes again gets another made-up name, as AWS's are never the same. */
  readonly retained: Record<string, number>;
  outputs: Record<string, unknown>;
  /** By export name. */
  exports: Record<string, unknown>;
}

/** What a deployment did to one resource. `kept`: it left the template, and its policy says to retain it. */
export interface Change {
  readonly stack: string;
  readonly logicalId: string;
  readonly type: string;
  readonly change: 'created' | 'updated' | 'replaced' | 'deleted' | 'kept';
}

/** A resource of a stack, as tools want to see it. */
export interface PhysicalResource {
  readonly stack: string;
  readonly logicalId: string;
  readonly type: string;
  readonly physicalId: string;
}

type SavedStack = Omit<Stack, 'resources'> & { readonly resources: readonly (readonly [string, StackResource])[] };

/**
 * CloudFormation as far as booting and updating needs it. Resources are made one after the other, in the order of their
 * dependencies. A failure stops the deployment where it is and rolls nothing back: as with rollback disabled,
 * what was made stays, and the next deployment goes on from there.
 */
export class Stacks {
  private readonly world: World;
  private readonly stacks = new Map<string, Stack>();

  constructor(world: World) {
    this.world = world;
  }

  /**
   * Deploys every stack of an assembly folder. Stacks that are not in it stay as they are.
   * @returns what changed, in order
   * @throws TemplateError naming stack, logical id and property
   */
  async deploy(assemblyFolder: string): Promise<Change[]> {
    const changes: Change[] = [];
    for (const artifact of readAssembly(assemblyFolder)) changes.push(...(await this.deployStack(artifact)));
    return changes;
  }

  /** Deletes a stack, keeping what its policies retain. @throws TemplateError if there is no such stack */
  async destroy(name: string): Promise<Change[]> {
    const stack = [...this.stacks.values()].find((candidate) => candidate.name === name);
    if (stack === undefined)
      throw new TemplateError(
        name,
        undefined,
        `there is no such stack; there are ${[...this.stacks.values()].map((known) => known.name).join(', ') || 'none'}`,
      );
    const artifact = { ...stack, template: {}, parameters: {}, assets: new Map<string, string>() };
    const changes = await this.deployStack(artifact);
    this.stacks.delete(keyOf(stack));
    return changes;
  }

  /** Every resource of every stack. */
  get resources(): readonly PhysicalResource[] {
    return [...this.stacks.values()].flatMap((stack) =>
      [...stack.resources].map(([logicalId, { type, created }]) => ({ stack: stack.name, logicalId, type, physicalId: created.ref })),
    );
  }

  /** The outputs of a stack, by name; undefined if there is no such stack. */
  outputs(stackName: string): Readonly<Record<string, unknown>> | undefined {
    return [...this.stacks.values()].find(({ name }) => name === stackName)?.outputs;
  }

  save(): unknown {
    return [...this.stacks.values()].map((stack): SavedStack => ({ ...stack, resources: [...stack.resources] }));
  }

  load(saved: unknown): void {
    this.stacks.clear();
    for (const stack of saved as SavedStack[]) this.stacks.set(keyOf(stack), { ...stack, resources: new Map(stack.resources) });
  }

  private async deployStack(artifact: StackArtifact): Promise<Change[]> {
    checkShape(artifact.name, artifact.template);
    const stack = this.stackFor(artifact);
    return await new Deployment(this.world, stack, artifact, this.exportsOf(stack)).run();
  }

  private stackFor({ name, account, region }: StackArtifact): Stack {
    const key = keyOf({ name, account, region });
    let stack = this.stacks.get(key);
    if (stack === undefined) {
      const id = `arn:aws:cloudformation:${region}:${account}:stack/${name}/${ec2Id('stack', key).slice(6)}`;
      stack = { name, account, region, id, resources: new Map(), retained: {}, outputs: {}, exports: {} };
      this.stacks.set(key, stack);
    }
    return stack;
  }

  private exportsOf({ account, region }: Stack): Map<string, unknown> {
    const exported = [...this.stacks.values()].filter((other) => other.account === account && other.region === region);
    return new Map(exported.flatMap((other) => Object.entries(other.exports)));
  }
}

const keyOf = ({ account, region, name }: { account: string; region: string; name: string }) => `${account}/${region}/${name}`;

/** One run over one stack: makes and changes in order of dependencies, then deletes what is no longer needed, last made first. */
class Deployment {
  private readonly world: World;
  private readonly stack: Stack;
  private readonly artifact: StackArtifact;
  private readonly scope: StackScope;
  private readonly types: TypeTable;
  private readonly changes: Change[] = [];
  /** Replaced resources: deleted when everybody uses their successors. */
  private readonly replaced: [logicalId: string, resource: StackResource][] = [];

  constructor(world: World, stack: Stack, artifact: StackArtifact, exports: ReadonlyMap<string, unknown>) {
    this.world = world;
    this.stack = stack;
    this.artifact = artifact;
    this.scope = new StackScope(artifact, stack.id, stack.resources, exports);
    this.types = resourceTypes(world.site(stack.account, stack.region));
  }

  async run(): Promise<Change[]> {
    const wanted = this.wanted();
    // All types first, so that nothing is half made because of a type that nobody knows.
    for (const [logicalId, { Type }] of wanted) typeOf(this.types, this.stack.name, logicalId, Type);
    for (const logicalId of this.order(wanted)) await this.ensure(logicalId, wanted.get(logicalId)!);
    for (const [logicalId, resource] of this.replaced.reverse()) await this.remove(logicalId, resource, 'replaced');
    for (const [logicalId, resource] of [...this.stack.resources].reverse())
      if (!wanted.has(logicalId)) {
        await this.remove(logicalId, resource, 'deleted');
        this.stack.resources.delete(logicalId);
      }
    this.readOutputs();
    return this.changes;
  }

  /** The resources whose condition holds. */
  private wanted(): Map<string, TemplateResource> {
    const all = Object.entries(this.artifact.template.Resources ?? {});
    return new Map(
      all.filter(([logicalId, { Condition }]) => Condition === undefined || this.at(logicalId, () => this.scope.condition(Condition))),
    );
  }

  private order(wanted: ReadonlyMap<string, TemplateResource>): string[] {
    const dependencies = new Map<string, Set<string>>();
    for (const [logicalId, { Properties, DependsOn = [] }] of wanted) {
      const names = this.at(logicalId, () => references(Properties, (name) => this.scope.condition(name)));
      for (const name of typeof DependsOn === 'string' ? [DependsOn] : DependsOn) {
        if (!(name in (this.artifact.template.Resources ?? {}))) throw this.fault(logicalId, `DependsOn: there is no resource ${name}`);
        names.add(name);
      }
      dependencies.set(logicalId, names);
    }
    return this.at(undefined, () => inDependencyOrder(dependencies));
  }

  private async ensure(logicalId: string, { Type, Properties = {}, ...attributes }: TemplateResource): Promise<void> {
    const type = typeOf(this.types, this.stack.name, logicalId, Type);
    const properties = this.properties(logicalId, Properties);
    checkProperties(type, this.stack.name, logicalId, Type, properties);
    const before = this.stack.resources.get(logicalId);
    const deletionPolicy = attributes.DeletionPolicy ?? 'Delete';
    if (before === undefined) {
      const generation = this.stack.retained[logicalId] ?? 0;
      const created = await this.make(logicalId, Type, type, properties, generation);
      this.keep(logicalId, { type: Type, properties, created, deletionPolicy, generation }, 'created');
    } else if (before.type === Type && isDeepStrictEqual(before.properties, properties)) {
      this.stack.resources.set(logicalId, { ...before, deletionPolicy });
    } else if (before.type === Type && type.update !== undefined) {
      const created = await this.attempt(logicalId, Type, 'updated', () =>
        type.update!(properties, before.created, this.context(logicalId, before.generation)),
      );
      this.keep(logicalId, { ...before, properties, created, deletionPolicy }, 'updated');
    } else {
      const generation = before.generation + 1;
      const created = await this.make(logicalId, Type, type, properties, generation);
      this.replaced.push([logicalId, { ...before, deletionPolicy: attributes.UpdateReplacePolicy ?? 'Delete' }]);
      this.keep(logicalId, { type: Type, properties, created, deletionPolicy, generation }, 'replaced');
    }
  }

  private properties(logicalId: string, properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const resolved: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(properties)) {
      const result = this.at(`${logicalId}.${name}`, () => resolve(value, this.scope));
      if (result !== undefined) resolved[name] = result;
    }
    return resolved;
  }

  private make(
    logicalId: string,
    name: string,
    type: ResourceType,
    properties: Record<string, unknown>,
    generation: number,
  ): Promise<CreatedResource> {
    return this.attempt(logicalId, name, 'created', () => type.create(properties, this.context(logicalId, generation)));
  }

  private keep(logicalId: string, resource: StackResource, change: Change['change']): void {
    this.stack.resources.set(logicalId, resource);
    this.note(logicalId, resource.type, change);
  }

  private async remove(logicalId: string, resource: StackResource, why: 'replaced' | 'deleted'): Promise<void> {
    // What has the same id as its successor is the same thing: it was changed, not replaced.
    if (why === 'replaced' && this.stack.resources.get(logicalId)?.created.ref === resource.created.ref) return;
    if (resource.deletionPolicy !== 'Delete') {
      if (why === 'deleted') {
        this.stack.retained[logicalId] = resource.generation + 1;
        this.note(logicalId, resource.type, 'kept');
      }
      return;
    }
    const type = typeOf(this.types, this.stack.name, logicalId, resource.type);
    await this.attempt(logicalId, resource.type, 'deleted', () =>
      type.delete?.(resource.created, this.context(logicalId, resource.generation)),
    );
    if (why === 'deleted') this.note(logicalId, resource.type, 'deleted');
  }

  private readOutputs(): void {
    const outputs: Record<string, unknown> = {};
    const exports: Record<string, unknown> = {};
    for (const [name, output] of Object.entries(this.artifact.template.Outputs ?? {})) {
      this.at(`Outputs.${name}`, () => {
        if (output.Condition !== undefined && !this.scope.condition(output.Condition)) return;
        const value = resolve(output.Value, this.scope);
        outputs[name] = value;
        if (output.Export !== undefined) exports[String(resolve(output.Export.Name, this.scope))] = value;
      });
    }
    this.stack.outputs = outputs;
    this.stack.exports = exports;
  }

  private context(logicalId: string, generation: number): ResourceContext {
    const { name, account, region } = this.stack;
    return {
      site: this.world.site(account, region),
      stackName: name,
      logicalId,
      generatedName: generatedName(name, logicalId, `${account}/${region}`, generation),
      asset: (bucket, key) => {
        const path = this.artifact.assets.get(`${bucket}/${key}`);
        if (path === undefined) throw this.fault(logicalId, `no asset of the assembly goes to s3://${bucket}/${key}`);
        return path;
      },
    };
  }

  private note(logicalId: string, type: string, change: Change['change']): void {
    this.changes.push({ stack: this.stack.name, logicalId, type, change });
  }

  private fault(where: string | undefined, problem: string, cause?: unknown): TemplateError {
    return new TemplateError(this.stack.name, where, problem, cause === undefined ? {} : { cause });
  }

  /** Runs something that knows nothing of places, and says where it failed. */
  private at<Result>(where: string | undefined, run: () => Result): Result {
    try {
      return run();
    } catch (error) {
      if (error instanceof TemplateError) throw error;
      throw this.fault(where, (error as Error).message, error);
    }
  }

  private async attempt<Result>(logicalId: string, type: string, verb: string, run: () => Result | Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      if (error instanceof TemplateError) throw error;
      const { name, message } = error as Error;
      throw this.fault(`${logicalId} (${type})`, `could not be ${verb}: ${name}: ${message}`, error);
    }
  }
}
