/** Compares the task definition that runs with the one that would be registered; values of secrets are never among what is shown. */
import { type DiffLine, diffLines } from '../text/diff.ts';
import { carriesSecret, looksSecret } from './secrets.ts';
import { withoutReadOnly } from './template.ts';

type Members = Readonly<Record<string, unknown>>;

const HIDDEN = '(hidden: it looks like a secret)';
const HIDDEN_OTHER = '(hidden: it looks like a secret, and is another one)';

/**
 * Line by line, as JSON without commas at the ends. What ECS fills in by itself is left out on both sides, and so is the promotion's tag,
 * which every registration has anew.
 * @param before undefined: there is none
 */
export function diffDefinitions(before: object | undefined, after: object): DiffLine[] {
  const old = before === undefined ? undefined : (comparable(before) as Members);
  const young = comparable(after) as Members;
  const known = new Map<string, string>();
  const remember = (path: string, value: string) => {
    known.set(path, value);
    return HIDDEN;
  };
  const shownOld = old === undefined ? undefined : hide(old, '', remember);
  const shownYoung = hide(young, '', (path, value) => (known.has(path) && known.get(path) !== value ? HIDDEN_OTHER : HIDDEN));
  return diffLines(linesOf(shownOld), linesOf(shownYoung));
}

/** What holds nothing but plain values stands in one line, if it is no longer than this. */
const LINE = 100;

function linesOf(value: unknown, indent = '', label = ''): string[] {
  if (value === undefined) return [];
  const whole = `${indent}${label}${flat(value)}`;
  if (value === null || typeof value !== 'object') return [whole];
  const inner = Object.entries(value);
  if (inner.every(([, one]) => one === null || typeof one !== 'object') && whole.length <= LINE) return [whole];
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return [
    `${indent}${label}${open}`,
    ...inner.flatMap(([key, one]) => linesOf(one, `${indent}  `, Array.isArray(value) ? '' : `${JSON.stringify(key)}: `)),
    `${indent}${close}`,
  ];
}

/** With the blanks that people expect. */
function flat(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flat).join(', ')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const inner = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${flat(one)}`);
  return `{ ${inner.join(', ')} }`;
}

/** The same for both sides: without what ECS adds, members sorted, and lists that have no order sorted by name. */
function comparable(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) {
    const list = value.map((one) => comparable(one, key)).filter((one) => !isEmpty(one));
    return UNORDERED.has(key) ? list.toSorted((a, b) => nameOf(a).localeCompare(nameOf(b))) : list;
  }
  if (value === null || typeof value !== 'object') return value;
  const members = key === '' ? withoutReadOnly(value as Members) : (value as Members);
  const entries = Object.entries(members)
    .map(([name, one]): [string, unknown] => [name, name === 'tags' ? ownTags(one) : comparable(one, name)])
    .filter(([name, one]) => !isEmpty(one) && !isDefault(name, one, members, key));
  return Object.fromEntries(entries.toSorted(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b)));
}

const UNORDERED = new Set(['environment', 'secrets', 'requiresCompatibilities']);

const nameOf = (value: unknown) => (typeof value === 'string' ? value : String((value as Members | null)?.name ?? ''));

/** A container's name and image are what one looks for. */
const rank = (name: string) => (name === 'family' || name === 'name' ? 0 : name === 'image' ? 1 : 2);

const isEmpty = (value: unknown) =>
  value === undefined || value === null || (typeof value === 'object' && Object.keys(value as object).length === 0);

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html, and of a port with awsvpc */
function isDefault(name: string, value: unknown, { containerPort }: Members, key: string): boolean {
  if (key === 'portMappings') return (name === 'hostPort' && value === containerPort) || (name === 'protocol' && value === 'tcp');
  return key === 'containerDefinitions' && ((name === 'cpu' && value === 0) || (name === 'essential' && value === true));
}

const ownTags = (tags: unknown) =>
  (Array.isArray(tags) ? (tags as { readonly key?: string; readonly value?: string }[]) : [])
    .filter(({ key }) => key !== 'shiplock:promotion' && !key?.startsWith('aws:'))
    .map(({ key, value }) => ({ key, value }))
    .toSorted((a, b) => (a.key ?? '').localeCompare(b.key ?? ''));

/** @param hidden told of a value that must not be shown, and where it stands; it says what stands there instead */
function hide(value: unknown, path: string, hidden: (path: string, value: string) => string, name = ''): unknown {
  if (typeof value === 'string') return looksSecret(name, value) ? hidden(path, value) : value;
  if (Array.isArray(value))
    return value.map((one: unknown, index) => {
      const at = `${path}/${(typeof one === 'string' ? '' : nameOf(one)) || index}`;
      const before: unknown = value[index - 1];
      if (typeof one === 'string') return carriesSecret(one, typeof before === 'string' ? before : undefined) ? hidden(at, one) : one;
      return hide(one, at, hidden, name);
    });
  if (value === null || typeof value !== 'object') return value;
  const members = value as Members;
  // `{name, value}`, and tags: the one says what the other is.
  const label = members.name ?? members.key;
  return Object.fromEntries(
    Object.entries(members).map(([key, one]) => {
      // Where a secret lies is no secret.
      if (key === 'valueFrom') return [key, one];
      return [key, hide(one, `${path}/${key}`, hidden, key === 'value' && typeof label === 'string' ? label : key)];
    }),
  );
}
