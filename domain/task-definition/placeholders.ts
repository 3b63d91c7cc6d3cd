/** Placeholders of a template: those that a release fills, and those of other tools, which nothing fills here. */
import { isMembers, type Members, type Refuse } from './members.ts';

/** By name: what stands for it in a text. */
export type Values = Readonly<Record<string, string>>;

/** The names between percent signs that are filled. */
export const PLACEHOLDERS = ['BUILD_VERSION'];

// Literals, which a bundle that fills nothing leaves out. Each names what PLACEHOLDERS has.
const OURS = /%%|%(BUILD_VERSION)%/g;

/** A percent sign by itself, a placeholder of ours, or what looks like one. */
const LOOKS_OURS = /%%|%(?:BUILD_VERSION)%|%([A-Z][A-Z0-9_]*)(?=%)/g;

/** `%Y%` is of a date, `%C3%` of an encoded address: one letter, and two hexadecimal digits, are no names. */
const NO_NAME = /^([A-Z]|[0-9A-F]{2})$/;

/** Fills every text, however deep; `%%` becomes a percent sign. A name without a value stays. */
export function fill<T>(value: T, values: Values): T {
  if (typeof value === 'string')
    return value.replaceAll(OURS, (found, name?: string) => (name === undefined ? '%' : (values[name] ?? found))) as T;
  if (Array.isArray(value)) return value.map((one) => fill(one, values)) as T;
  if (!isMembers(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, fill(one, values)])) as T;
}

/**
 * Says of what looks like a placeholder, and which nothing fills: an unknown name between percent signs, and the forms of other tools.
 * - `<NAME>` in capitals anywhere; `<…>` whatever it holds where ECS reads a name or an ARN, as no such name has these signs.
 * - `{{…}}` anywhere, but for Docker's own `{{.ID}}` among log options.
 * - `${…}` but for what a shell or the program itself puts in: anything in a command, and variables that the container is given.
 * @param template as it was written: neither the image of a container, which is replaced, nor the family, is looked at
 */
export function refusePlaceholders(template: Members, refuse: Refuse): void {
  const { family: _ours, containerDefinitions, ...task } = template;
  walk(task, '', { commands: false, isContainer: false, given: new Set() }, refuse);
  for (const [index, container] of (Array.isArray(containerDefinitions) ? containerDefinitions : []).entries()) {
    if (!isMembers(container)) continue;
    const { image: _replaced, ...rest } = container;
    walk(rest, `containerDefinitions[${index}]`, { commands: false, isContainer: true, given: givenTo(container) }, refuse);
  }
}

interface Around {
  /** Within words that a shell may read. */
  readonly commands: boolean;
  readonly isContainer: boolean;
  /** Variables that the container has. */
  readonly given: ReadonlySet<string>;
}

/** Set by ECS and Fargate, or by every shell. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-metadata.html */
const ALWAYS_GIVEN = /^(AWS_\w+|ECS_\w+|HOSTNAME|HOME|PATH|PWD|USER)$/;

function givenTo({ environment, secrets }: Members): ReadonlySet<string> {
  const pairs = [environment, secrets].flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []));
  return new Set(pairs.flatMap((pair) => (isMembers(pair) ? [String(pair.name)] : [])));
}

const COMMANDS = new Set(['command', 'entryPoint']);

function walk(value: unknown, place: string, around: Around, refuse: Refuse): void {
  if (typeof value === 'string') textProblems(value, place, around, refuse);
  else if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) {
      const name = isMembers(one) && typeof one.name === 'string' && /\.(environment|secrets)$/.test(place) ? `.${one.name}` : `[${index}]`;
      walk(one, `${place}${name}`, around, refuse);
    }
  } else if (isMembers(value))
    for (const [name, one] of Object.entries(value)) {
      const at = place === '' ? name : /\.(environment|secrets)\.[^.]+$/.test(place) ? place : `${place}.${name}`;
      walk(one, at, COMMANDS.has(name) ? { ...around, commands: true } : around, refuse);
    }
}

/** Where ECS reads names, ARNs and addresses, in which these signs never stand. */
const NAMED =
  /(Arn|valueFrom|credentialsParameter|credentialSpecs\[\d+\]|\.secrets\.[^.]+|\.options\.awslogs-[a-z-]+|\.name|fileSystemId)$/;

function textProblems(text: string, place: string, around: Around, refuse: Refuse): void {
  const { commands, given } = around;
  for (const [, name] of text.matchAll(LOOKS_OURS))
    if (name !== undefined && !NO_NAME.test(name))
      refuse(
        place,
        `keeps the placeholder %${name}%, which nothing fills; known is ${PLACEHOLDERS.map((one) => `%${one}%`).join(', ')}, and a percent sign itself is written %%`,
      );
  const foreign = [
    ...[...text.matchAll(NAMED.test(place) ? /<[^<>]+>/g : /<[A-Z][A-Z0-9_]*>/g)].map(([found]) => found),
    ...[...text.matchAll(/\{\{[^{}]*\}\}/g)]
      .map(([found]) => found)
      .filter((found) => !(place.includes('.options.') && found.startsWith('{{.'))),
    ...[...text.matchAll(/\$\{([^{}]+)\}/g)]
      .filter(([, inner = '']) => !commands && !given.has(nameIn(inner)) && !ALWAYS_GIVEN.test(nameIn(inner)))
      .map(([found]) => found),
  ];
  if (foreign.length === 0) return;
  const found = [...new Set(foreign)];
  const [are, fills, it] =
    found.length === 1 ? ['looks like a placeholder', 'it', 'the value'] : ['look like placeholders', 'them', 'the values'];
  const own = found.some((one) => one.startsWith('$')) && around.isContainer;
  refuse(
    place,
    `${found.join(', ')} ${are} of another tool, and nothing fills ${fills} here; write ${it}${own ? ', or give the container a variable of that name if its program reads it' : ''}`,
  );
}

/** `PORT` of `PORT:-8080`. */
const nameIn = (inner: string): string => /^\w+/.exec(inner)?.[0] ?? '';
