/**
 * What RegisterTaskDefinition takes, member by member. The SDK drops members that it does not know without a word, so that a misspelt
 * `healthcheck` would never arrive. `scripts/task-definition-shape.ts` writes `shape.json` from the client's schema, and a test holds
 * the two equal. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
 */

import { suggestion } from '../text/suggestion.ts';
import { isMembers, type Members, type Refuse, shown } from './members.ts';
import data from './shape.json' with { type: 'json' };
import { READ_ONLY } from './template.ts';

/** A type by its name, a text of certain values, a list, a map of texts, or a structure by its name. */
type Type =
  | 'string'
  | 'number'
  | 'boolean'
  | { readonly values: readonly string[] }
  | { readonly list: Type }
  | { readonly map: Type }
  | Named;
interface Named {
  readonly of: string;
}
interface Structure {
  readonly members: Readonly<Record<string, Type>>;
  readonly required: readonly string[];
}

const structures = data as unknown as Readonly<Record<string, Structure>>;

/** Members that belong somewhere else, where the nearest name would lead astray. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  containerOverrides: 'it is a member of RunTask',
  overrides: 'it is a member of RunTask',
  networkConfiguration: 'it is a member of the service',
  desiredCount: 'it is a member of the service; `count` of the service in the configuration says it',
  launchType: 'it is a member of the service',
  loadBalancers: 'it is a member of the service; `web` of the service in the configuration says it',
  serviceName: 'it is a member of the service',
  platformVersion: 'it is a member of the service',
  enableExecuteCommand: 'it is a member of the service',
};

/** Says of every place where a request does not have RegisterTaskDefinition's shape. What is undefined is not there. */
export function refuseMisfits(request: Members, refuse: Refuse): void {
  misfits({ of: 'RegisterTaskDefinitionRequest' }, request, '', refuse);
}

function misfits(type: Type, value: unknown, place: string, refuse: Refuse): void {
  if (type === 'string') textMisfits(value, place, refuse);
  else if (type === 'number') numberMisfits(value, place, refuse);
  else if (type === 'boolean') booleanMisfits(value, place, refuse);
  else if ('values' in type) valueMisfits(type.values, value, place, refuse);
  else if ('list' in type) {
    if (!Array.isArray(value)) refuse(place, `a list is needed here, and this is ${kindOf(value)}; write it in [ ]`);
    else for (const [index, one] of value.entries()) misfits(type.list, one, `${place}[${index}]`, refuse);
  } else if ('map' in type) {
    if (!isMembers(value)) refuse(place, `names with their values are needed here, and this is ${kindOf(value)}; write them in { }`);
    else for (const [name, one] of Object.entries(value)) misfits(type.map, one, `${place}.${name}`, refuse);
  } else structureMisfits(type, value, place, refuse);
}

function structureMisfits({ of }: Named, value: unknown, place: string, refuse: Refuse): void {
  const { members, required } = structures[of]!;
  if (!isMembers(value)) {
    refuse(place, `an object is needed here, and this is ${kindOf(value)}; write it in { }`);
    return;
  }
  const at = (name: string) => (place === '' ? name : `${place}.${name}`);
  for (const [name, one] of Object.entries(value)) {
    if (one === undefined) continue;
    const type = Object.hasOwn(members, name) ? members[name] : undefined;
    if (type) misfits(type, one, at(name), refuse);
    else refuse(at(name), unknownText(name, Object.keys(members), place === ''));
  }
  for (const name of required) if (value[name] === undefined) refuse(place, `"${name}" is missing, without which ECS registers no ${of}`);
}

function unknownText(name: string, known: readonly string[], isTop: boolean): string {
  if (isTop && READ_ONLY.has(name))
    return 'ECS adds it when it describes a task definition, and takes none in a registration; take it out, or let `shiplock export` write the template';
  const elsewhere = isTop && Object.hasOwn(ELSEWHERE, name) ? ELSEWHERE[name] : undefined;
  if (elsewhere) return `ECS knows no such member of a task definition: ${elsewhere}; take it out here`;
  const near = suggestion(name, known);
  return `ECS knows no such member${near || `; take it out, or take one of ${known.join(', ')}`}`;
}

function textMisfits(value: unknown, place: string, refuse: Refuse): void {
  if (typeof value === 'string') return;
  // What variables, labels and options hold may be a secret.
  const isOpen = !/\.(environment|dockerLabels|options)\b/.test(place);
  if (typeof value === 'number' || typeof value === 'boolean')
    refuse(
      place,
      `a text is needed here, and this is ${isOpen ? `the ${typeof value} ${String(value)}; write "${String(value)}"` : `a ${typeof value}; write it in double quotes`}`,
    );
  else refuse(place, `a text is needed here, and this is ${kindOf(value)}`);
}

function numberMisfits(value: unknown, place: string, refuse: Refuse): void {
  if (typeof value === 'number' && Number.isInteger(value)) return;
  if (typeof value === 'string' && /^\d+$/.test(value)) refuse(place, `a number is needed here, and this is a text; write ${value}`);
  else refuse(place, `a whole number is needed here, and this is ${typeof value === 'number' ? String(value) : kindOf(value)}`);
}

function booleanMisfits(value: unknown, place: string, refuse: Refuse): void {
  if (typeof value === 'boolean') return;
  const meant = /^(true|false)$/i.exec(String(value))?.[0].toLowerCase();
  refuse(place, `true or false is needed here, and this is ${kindOf(value)}${meant ? `; write ${meant}` : ''}`);
}

function valueMisfits(values: readonly string[], value: unknown, place: string, refuse: Refuse): void {
  if (typeof value === 'string' && values.includes(value)) return;
  if (typeof value !== 'string') textMisfits(value, place, refuse);
  else if (value === '') refuse(place, `is empty; leave it out, or write one of ${values.join(', ')}`);
  else refuse(place, `ECS knows no ${shown(value)} here${suggestion(value, values) || `; one of ${values.join(', ')}`}`);
}

const kindOf = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'an object'
        : typeof value === 'string'
          ? `the text ${shown(value)}`
          : `the ${typeof value} ${String(value)}`;
