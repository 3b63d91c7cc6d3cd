/** The intrinsic functions of templates. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html */
import { cidrBlocks } from './cidr.ts';

/** What names in a template stand for. Every member throws an Error that says what is missing. */
export interface Scope {
  readonly region: string;
  /** `Ref`: a pseudo parameter, a parameter, or a resource. `undefined` stands for `AWS::NoValue`. */
  ref(name: string): unknown;
  attribute(logicalId: string, attribute: string): unknown;
  condition(name: string): boolean;
  imported(exportName: string): unknown;
  mapped(map: string, first: string, second: string): unknown;
}

/** One call of a function: `{ "Fn::Join": […] }`. */
interface Call {
  readonly name: string;
  readonly argument: unknown;
}

function callOf(value: object): Call | undefined {
  const [key, ...others] = Object.keys(value);
  if (key === undefined || others.length > 0) return undefined;
  if (key !== 'Ref' && key !== 'Condition' && !key.startsWith('Fn::')) return undefined;
  const argument = (value as Record<string, unknown>)[key];
  // A policy statement's or a listener rule's `Condition` is an object; a template's names a condition.
  if (key === 'Condition' && typeof argument !== 'string') return undefined;
  return { name: key, argument };
}

/**
 * The value with every function applied. Members and list entries that come to `AWS::NoValue` are left out.
 * @throws Error naming the function and what is wrong with it
 */
export function resolve(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((entry) => resolve(entry, scope)).filter((entry) => entry !== undefined);
  if (typeof value !== 'object' || value === null) return value;
  const call = callOf(value);
  if (call !== undefined) return apply(call, scope);
  const resolved: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const result = resolve(member, scope);
    if (result !== undefined) resolved[name] = result;
  }
  return resolved;
}

function apply({ name, argument }: Call, scope: Scope): unknown {
  switch (name) {
    case 'Ref':
      return scope.ref(text(argument, 'Ref'));
    case 'Fn::GetAtt': {
      const [logicalId, attribute] = attributeOf(argument);
      return scope.attribute(logicalId, text(resolve(attribute, scope), 'Fn::GetAtt'));
    }
    case 'Fn::Sub':
      return substitute(argument, scope);
    case 'Fn::Join': {
      const [separator, parts] = pair(resolve(argument, scope), name);
      return list(parts, name)
        .map((part) => text(part, name))
        .join(text(separator, name));
    }
    case 'Fn::Select': {
      const [index, entries] = pair(resolve(argument, scope), name);
      const entry = list(entries, name)[Number(index)];
      if (entry === undefined) throw new Error(`Fn::Select: no entry ${String(index)} in a list of ${list(entries, name).length}`);
      return entry;
    }
    case 'Fn::Split': {
      const [separator, whole] = pair(resolve(argument, scope), name);
      return text(whole, name).split(text(separator, name));
    }
    case 'Fn::If': {
      const branches = list(argument, name);
      if (branches.length !== 3) throw new Error('Fn::If takes a condition and two values');
      return resolve(scope.condition(text(branches[0], name)) ? branches[1] : branches[2], scope);
    }
    case 'Condition':
    case 'Fn::Equals':
    case 'Fn::And':
    case 'Fn::Or':
    case 'Fn::Not':
      return holds({ [name]: argument }, scope);
    case 'Fn::ImportValue':
      return scope.imported(text(resolve(argument, scope), name));
    case 'Fn::FindInMap': {
      const [map, first, second, ...more] = list(resolve(argument, scope), name);
      if (more.length > 0) throw new Error('Fn::FindInMap with a default value needs a transform, which local AWS does not have');
      return scope.mapped(text(map, name), text(first, name), text(second, name));
    }
    case 'Fn::Base64':
      return Buffer.from(text(resolve(argument, scope), name)).toString('base64');
    case 'Fn::Cidr': {
      const [block, count, bits = 8] = list(resolve(argument, scope), name);
      return cidrBlocks(text(block, name), Number(count), Number(bits));
    }
    case 'Fn::GetAZs': {
      const region = resolve(argument, scope);
      return ['a', 'b', 'c'].map((zone) => `${region === undefined || region === '' ? scope.region : text(region, name)}${zone}`);
    }
    default:
      throw new Error(`local AWS does not implement the function ${name}`);
  }
}

/** Whether a condition of the section `Conditions` holds. */
export function holds(condition: unknown, scope: Scope): boolean {
  const call = typeof condition === 'object' && condition !== null ? callOf(condition) : undefined;
  switch (call?.name) {
    case 'Condition':
      return scope.condition(text(call.argument, 'Condition'));
    case 'Fn::Equals': {
      const [left, right] = pair(resolve(call.argument, scope), call.name);
      return String(left) === String(right);
    }
    case 'Fn::And':
      return list(call.argument, call.name).every((part) => holds(part, scope));
    case 'Fn::Or':
      return list(call.argument, call.name).some((part) => holds(part, scope));
    case 'Fn::Not':
      return !holds(list(call.argument, call.name)[0], scope);
    default:
      throw new Error(`not a condition: ${JSON.stringify(condition)}`);
  }
}

/** `${Name}`, `${LogicalId.Attribute}`, and `${!Literal}`, which stays `${Literal}`. */
const PLACEHOLDER = /\$\{([^}]*)\}/g;

function substitute(argument: unknown, scope: Scope): string {
  const [template, given] = Array.isArray(argument)
    ? [text(argument[0], 'Fn::Sub'), argument[1] as Record<string, unknown>]
    : [text(argument, 'Fn::Sub'), {}];
  return template.replace(PLACEHOLDER, (_whole, inside: string) => {
    const name = inside.trim();
    if (name.startsWith('!')) return `\${${name.slice(1)}}`;
    if (given && name in given) return text(resolve(given[name], scope), 'Fn::Sub');
    const dot = name.indexOf('.');
    return text(dot < 0 ? scope.ref(name) : scope.attribute(name.slice(0, dot), name.slice(dot + 1)), 'Fn::Sub');
  });
}

/**
 * The logical ids and other names that a value refers to by Ref, GetAtt and Sub, so that resources can be put in order.
 * Of an `Fn::If` only the branch that counts.
 */
export function references(value: unknown, condition: (name: string) => boolean): Set<string> {
  const found = new Set<string>();
  collect(value);
  return found;

  function collect(part: unknown): void {
    if (Array.isArray(part)) part.forEach(collect);
    else if (typeof part === 'object' && part !== null) {
      const call = callOf(part);
      if (call === undefined) Object.values(part).forEach(collect);
      else collectCall(call);
    }
  }

  function collectCall({ name, argument }: Call): void {
    switch (name) {
      case 'Ref':
        found.add(text(argument, name));
        return;
      case 'Fn::GetAtt': {
        const [logicalId, attribute] = attributeOf(argument);
        found.add(logicalId);
        collect(attribute);
        return;
      }
      case 'Fn::Sub': {
        const given = Array.isArray(argument) ? (argument[1] as Record<string, unknown>) : {};
        collect(given);
        for (const [, inside = ''] of text(Array.isArray(argument) ? argument[0] : argument, name).matchAll(PLACEHOLDER)) {
          const placeholder = inside.trim();
          if (!placeholder.startsWith('!') && !(given && placeholder in given)) found.add(placeholder.split('.')[0]!);
        }
        return;
      }
      case 'Fn::If': {
        const [test, then, otherwise] = list(argument, name);
        collect(condition(text(test, name)) ? then : otherwise);
        return;
      }
      default:
        collect(argument);
    }
  }
}

/** `["Id", "Attribute"]` or `"Id.Attribute"`; attributes may hold dots of their own. */
function attributeOf(argument: unknown): [logicalId: string, attribute: unknown] {
  if (Array.isArray(argument)) {
    const [logicalId, ...rest] = argument;
    return [text(logicalId, 'Fn::GetAtt'), rest.length > 1 ? rest.join('.') : rest[0]];
  }
  const whole = text(argument, 'Fn::GetAtt');
  const dot = whole.indexOf('.');
  if (dot < 0) throw new Error(`Fn::GetAtt: no attribute in ${whole}`);
  return [whole.slice(0, dot), whole.slice(dot + 1)];
}

function text(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Error(`${where}: expected text, got ${value === undefined ? 'AWS::NoValue' : JSON.stringify(value)}`);
}

function list(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`${where}: expected a list, got ${JSON.stringify(value)}`);
  return value;
}

function pair(value: unknown, where: string): [unknown, unknown] {
  const entries = list(value, where);
  if (entries.length !== 2) throw new Error(`${where} takes two arguments, got ${entries.length}`);
  return [entries[0], entries[1]];
}
