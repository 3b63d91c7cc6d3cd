/** How containers behave that local AWS plays, as the labels of their image say. */
import type { ContainerDefinition } from '@aws-sdk/client-ecs';

/** How a container of an image behaves on this machine, as the labels `local.aws.*` of the image say. Times in milliseconds. */
export interface Behaviour {
  readonly healthyAfter: number;
  readonly exit?: { readonly code: number; readonly after: number };
  readonly log: readonly string[];
  readonly responses: Readonly<Record<string, number>>;
  readonly neverStarts?: string;
}

/** A label that says nothing which could be played. */
export class LabelError extends Error {
  /** @param expected what it has to be */
  constructor(label: string, value: string, expected: string) {
    super(
      `the label local.aws.${label} is ${JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value)}; it has to be ${expected}`,
    );
    this.name = 'LabelError';
  }
}

/** What a container that goes on running logs where its image does not say. */
const SILENT = 'played by local AWS; what it logs, the label local.aws.log of its image says';

/** @throws LabelError */
export function behaviourOf(labels: Readonly<Record<string, string>>): Behaviour {
  const code = labels['local.aws.exit-code'];
  const log = labels['local.aws.log'];
  const reason = labels['local.aws.never-starts'];
  return {
    healthyAfter: seconds(labels, 'healthy-after', 5),
    ...(code === undefined ? {} : { exit: { code: exitCode(code), after: seconds(labels, 'exit-after', 2) } }),
    log: log?.split('\n') ?? (code === undefined ? [SILENT] : []),
    responses: responsesOf(labels['local.aws.responses']),
    ...(reason === undefined ? {} : { neverStarts: reason }),
  };
}

/**
 * How a job behaves: a task that no service keeps running, in a container that its definition gives a command.
 * The label `local.aws.commands` says it by the command's first word, `{"migrate":{"exit-code":1,"exit-after":20,"log":"…"}}`;
 * where it says nothing, the job is done after two seconds.
 * @throws LabelError
 */
export function jobBehaviourOf(labels: Readonly<Record<string, string>>, command: string): Behaviour {
  const known = commandsOf(labels['local.aws.commands']);
  const own = Object.hasOwn(known, command) ? known[command]! : {};
  const inherited = Object.entries(labels).filter(([name]) => name === 'local.aws.never-starts');
  const said = Object.entries(own).map(([name, value]) => [`local.aws.${name}`, String(value)]);
  return behaviourOf({ 'local.aws.exit-code': '0', ...Object.fromEntries(inherited), ...Object.fromEntries(said) });
}

/** All that labels may say of it, for services and jobs. @throws LabelError */
export function assertPlayable(labels: Readonly<Record<string, string>>): void {
  behaviourOf(labels);
  for (const command of Object.keys(commandsOf(labels['local.aws.commands']))) jobBehaviourOf(labels, command);
}

/** Milliseconds. */
function seconds(labels: Readonly<Record<string, string>>, name: string, otherwise: number): number {
  const label = labels[`local.aws.${name}`] ?? String(otherwise);
  if (!/^\d{1,9}(?:\.\d+)?$/.test(label)) throw new LabelError(name, label, 'a number of seconds, such as 30');
  return Number(label) * 1000;
}

function exitCode(label: string): number {
  if (!/^\d{1,3}$/.test(label) || Number(label) > 255) throw new LabelError('exit-code', label, 'an exit code, 0 to 255');
  return Number(label);
}

function responsesOf(label = '{}'): Record<string, number> {
  const found = json(label);
  const isStatus = (one: unknown) => Number.isInteger(one) && Number(one) >= 200 && Number(one) <= 599;
  if (!isObject(found) || !Object.values(found).every(isStatus) || !Object.keys(found).every((path) => path.startsWith('/')))
    throw new LabelError('responses', label, 'JSON of statuses, 200 to 599, by beginnings of paths, such as {"/health":500}');
  return found as Record<string, number>;
}

function commandsOf(label = '{}'): Record<string, Record<string, string | number>> {
  const found = json(label);
  const isSaid = (one: unknown) => isObject(one) && Object.values(one).every((value) => ['string', 'number'].includes(typeof value));
  if (!isObject(found) || !Object.values(found).every(isSaid))
    throw new LabelError('commands', label, 'JSON by first words of commands, such as {"migrate":{"exit-code":1,"exit-after":20}}');
  return found as Record<string, Record<string, string | number>>;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The status for a path: that of the longest prefix, 200 otherwise. */
export function statusOf(responses: Readonly<Record<string, number>>, path: string): number {
  const prefix = Object.keys(responses)
    .filter((one) => path.startsWith(one))
    .sort((a, b) => b.length - a.length)[0];
  return prefix === undefined ? 200 : responses[prefix]!;
}

/**
 * When the health check of a container is decided, in milliseconds after its start, and how. A check that asks a URL gets the
 * container's own answer; any other passes once the container answers. Undefined without a check.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
 */
export function healthCheckOf(
  { healthCheck }: ContainerDefinition,
  { healthyAfter, responses }: Behaviour,
): { readonly after: number; readonly health: 'HEALTHY' | 'UNHEALTHY' } | undefined {
  if (healthCheck?.command === undefined || healthCheck.command[0] === 'NONE') return undefined;
  const { interval = 30, retries = 3, startPeriod = 0 } = healthCheck;
  const period = interval * 1000;
  const path = /https?:\/\/[^/\s"']+(\/[^\s"'?]*)?/.exec(healthCheck.command.join(' '));
  const passes = path === null || statusOf(responses, path[1] ?? '/') < 400;
  const healthyAt = Math.max(1, Math.ceil(healthyAfter / period)) * period;
  const givenUpAt = startPeriod * 1000 + retries * period;
  return passes && healthyAt <= givenUpAt ? { after: healthyAt, health: 'HEALTHY' } : { after: givenUpAt, health: 'UNHEALTHY' };
}
