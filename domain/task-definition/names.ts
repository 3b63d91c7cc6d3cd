/** Names within a task definition: those that must differ, those that must be there, and how they may be written. */
import { suggestion } from '../text/suggestion.ts';
import { type Container, containersOf, listOf, type Members, type Refuse, shown } from './members.ts';

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html */
const CONTAINERS = 10;
const KIBIBYTES = 64;
const TAGS = 50;

/** A container's, as ECS takes it. */
const NAME = /^[A-Za-z0-9_-]{1,255}$/;

export function refuseNames(request: Members, refuse: Refuse): void {
  const containers = containersOf(request);
  if (containers.length > CONTAINERS)
    refuse(
      'containerDefinitions',
      `there are ${containers.length} containers, and a task has at most ${CONTAINERS}; make several services`,
    );
  const bytes = new TextEncoder().encode(JSON.stringify(request)).length;
  if (bytes > KIBIBYTES * 1024)
    refuse(
      '',
      `it has ${Math.ceil(bytes / 1024)} KiB as it is registered, and ECS takes ${KIBIBYTES}; put what is long into a file of the image`,
    );
  if (containers.length > 0 && containers.every(({ essential }) => essential === false))
    refuse('containerDefinitions', 'none is essential, so nothing says when the task has ended; take "essential": false from one');
  for (const container of containers) {
    if (!NAME.test(container.name))
      refuse(
        `${container.at}.name`,
        `${shown(container.name)}: a container is called by letters, digits, hyphens and underscores, at most 255`,
      );
    refuseVariables(container, refuse);
    refuseHealthCheck(container, refuse);
    refuseTimeouts(container, refuse);
  }
  refuseTags(listOf(request.tags), refuse);
}

/** "The secret name must be unique and not shared with any new or existing environment variables set on the container", says ECS. */
function refuseVariables({ at, environment, secrets }: Container, refuse: Refuse): void {
  const values = new Map<string, unknown>();
  for (const [index, { name, value }] of listOf(environment).entries()) {
    if (typeof name !== 'string' || name === '') {
      if (name === undefined || name === '') refuse(`${at}.environment[${index}]`, 'a variable without a `name`');
      continue;
    }
    if (values.has(name) && values.get(name) !== value)
      refuse(`${at}.environment.${name}`, 'is there twice with different values, and which of them counts nobody says; take one out');
    values.set(name, value);
  }
  const known = new Set<string>();
  for (const { name } of listOf(secrets)) {
    const secret = String(name);
    if (known.has(secret)) refuse(`${at}.secrets.${secret}`, 'is there twice; take one out');
    else if (values.has(secret))
      refuse(
        `${at}.secrets.${secret}`,
        `is a variable too (in \`environment\`, or in the environment’s \`variables\`), and ECS takes a name once; take one out`,
      );
    known.add(secret);
  }
}

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html */
function refuseHealthCheck({ at, healthCheck }: Container, refuse: Refuse): void {
  if (healthCheck === undefined || typeof healthCheck !== 'object' || healthCheck === null) return;
  const check = healthCheck as Members;
  const [first, ...rest] = Array.isArray(check.command) ? (check.command as unknown[]) : [];
  if (first !== 'CMD' && first !== 'CMD-SHELL' && first !== 'NONE')
    refuse(`${at}.healthCheck.command`, 'begins with "CMD" and the words of a command, or with "CMD-SHELL" and a line for the shell');
  else if (first !== 'NONE' && rest.length === 0) refuse(`${at}.healthCheck.command`, `says nothing after "${first}"; write the command`);
  for (const [name, [low, high]] of Object.entries(HEALTH)) refuseOutside(check[name], low, high, `${at}.healthCheck.${name}`, refuse);
}

/** Seconds, and for retries a number. */
const HEALTH: Readonly<Record<string, readonly [number, number]>> = {
  interval: [5, 300],
  timeout: [2, 60],
  retries: [1, 10],
  startPeriod: [0, 300],
};

/** "The max stop timeout value is 120 seconds" on Fargate, where start timeouts have the same. */
function refuseTimeouts({ at, startTimeout, stopTimeout }: Container, refuse: Refuse): void {
  refuseOutside(startTimeout, 2, 120, `${at}.startTimeout`, refuse);
  refuseOutside(stopTimeout, 2, 120, `${at}.stopTimeout`, refuse);
}

function refuseOutside(value: unknown, low: number, high: number, place: string, refuse: Refuse): void {
  if (typeof value === 'number' && (value < low || value > high)) refuse(place, `ECS takes ${low} to ${high} here, and this is ${value}`);
}

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html */
function refuseTags(tags: readonly Members[], refuse: Refuse): void {
  if (tags.length > TAGS)
    refuse('tags', `there are ${tags.length} with the four of the pipeline, and a task definition has at most ${TAGS}`);
  const known = new Set<string>();
  for (const [index, { key, value }] of tags.entries()) {
    const name = String(key ?? '');
    if (name === '') refuse(`tags[${index}]`, 'a tag without a `key`');
    else if (/^aws:/i.test(name)) refuse(`tags[${index}]`, `"${name}": AWS keeps names that begin with aws: for itself; take it out`);
    else if (known.has(name)) refuse(`tags[${index}]`, `"${name}" is there twice; take one out`);
    known.add(name);
    for (const [text, most] of [
      [name, 128],
      [String(value ?? ''), 256],
    ] as const)
      if (text.length > most || !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(text))
        refuse(`tags[${index}]`, `${shown(text)}: a tag has letters, digits, spaces and _ . : / = + - @, at most ${most}`);
  }
}

/** Where a name should be one of those that there are. */
export const unknownName = (what: string, given: string, known: readonly string[]): string =>
  `there is no ${what} "${given}"${suggestion(given, known) || (known.length > 0 ? `; there are ${known.join(', ')}` : `; there is none`)}`;
