/** What things are called in AWS: one place, so that policies by prefix, functions and templates agree. */

/** `acme-test`: cluster, load balancer and prefix of everything in an environment. */
export const environmentName = (pipeline: string, environment: string) => `${pipeline}-${environment}`;

/** The family of a service's task definitions, and its ECS service's name within the cluster is the service's own. */
export const family = (pipeline: string, environment: string, service: string) => `${pipeline}-${environment}-${service}`;

/** The role that functions assume to change ECS in one environment. */
export const deployRole = (pipeline: string, environment: string) => `${pipeline}-${environment}-deploy`;

/** The role with which ECS starts the tasks of an environment: pulls images, writes logs, reads secrets. */
export const executionRole = (pipeline: string, environment: string) => `${pipeline}-${environment}-execution`;

/** The role that the containers of an environment have. */
export const taskRole = (pipeline: string, environment: string) => `${pipeline}-${environment}-task`;

/** JSON of {@link Foundation}. */
export const foundationParameter = (pipeline: string, environment: string) => `/shiplock/${pipeline}/${environment}/foundation`;

/** ARN of the target group that takes turns with it, where traffic shifts. */
export const alternateParameter = (pipeline: string, environment: string, service: string) =>
  `/shiplock/${pipeline}/${environment}/alternates/${service}`;

/** ARN of a web service's target group. */
export const targetGroupParameter = (pipeline: string, environment: string, service: string) =>
  `/shiplock/${pipeline}/${environment}/target-groups/${service}`;

export const logGroup = (pipeline: string, environment: string, service: string) => `/shiplock/${pipeline}/${environment}/${service}`;

/** What a database's migration is called where services have their names: family, log group, log stream. */
export const migrationService = (database: string) => `migrate-${database}`;

/** A Lambda, by its file's name. */
export const functionName = (pipeline: string, file: string) => `${pipeline}-${file}`;

/** A state machine, by its file's name. */
export const stateMachineName = (pipeline: string, workflow: Workflow) => `${pipeline}-${workflow}`;

export type Workflow = 'release' | 'promotion' | 'wake' | 'teardown';

/** CodeBuild project of one build in one environment. */
export const buildProject = (pipeline: string, environment: string, build: string) => `${pipeline}-${environment}-${build}`;

export const ledgerTable = (pipeline: string) => `${pipeline}-ledger`;
export const journalTable = (pipeline: string) => `${pipeline}-journal`;
export const noticesTopic = (pipeline: string) => `${pipeline}-notices`;

/**
 * The name of a release's execution: `<repository>-<12 of digest>-<attempt>`, at most 80 characters
 * (a longer repository name loses its middle). Slashes become underscores. Repositories never share a name, though
 * one image may lie in both: those that lose their middle or have underscores of their own carry a hash.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export function releaseExecution(repository: string, digest: string, attempt: number): string {
  const tail = `-${digest.replace('sha256:', '').slice(0, 12)}-${attempt}`;
  return readable(repository, 80 - tail.length - 20) + tail;
}

/** The name of a promotion's execution: the environment and the release's execution. At most 80 characters. */
export const promotionExecution = (environment: string, release: string) => `${environment}-${release}`;

/**
 * The name of a promotion that a person orders beside the path: the environment, the image, and the second in which it was ordered,
 * so that an order that is sent twice is carried out once. At most 80 characters.
 * @param at milliseconds since the epoch
 */
export function orderedExecution(environment: string, repository: string, digest: string, at: number): string {
  const tail = `-${digest.replace('sha256:', '').slice(0, 12)}-at${Math.floor(at / 1000).toString(36)}`;
  return `${environment}-${readable(repository, 80 - tail.length - 20)}${tail}`;
}

function readable(repository: string, length: number): string {
  const text = repository.replaceAll('/', '_');
  if (text.length <= length && !repository.includes('_')) return text;
  const hash = fingerprint(repository);
  const room = length - hash.length - 2;
  if (text.length <= room) return `${text}..${hash}`;
  const half = Math.floor((room - 2) / 2);
  return `${text.slice(0, room - 2 - half)}..${text.slice(-half)}..${hash}`;
}

/** FNV-1a of 64 bits, in 13 digits of base 36: texts that differ in one character alone never share it. http://www.isthe.com/chongo/tech/comp/fnv/ */
export function fingerprint(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const character of text) hash = BigInt.asUintN(64, (hash ^ BigInt(character.codePointAt(0) ?? 0)) * 0x100000001b3n);
  return hash.toString(36).padStart(13, '0');
}

/** The role that people of the pipeline have without single sign-on: its trust policy fixes the session name to the user's. */
export const peopleRole = (pipeline: string) => `${pipeline}-people`;

/** In which ECS changes the rules and targets of an environment. */
export const infrastructureRole = (pipeline: string, environment: string) => `${pipeline}-${environment}-ecs`;

/** What rolls a deployment back: answers of 5xx, and targets that are not healthy, at either target group. */
export const rolloutAlarms = (pipeline: string, environment: string, service: string): string[] =>
  (['a', 'b'] as const).flatMap((side) => ['errors', 'unhealthy'].map((what) => `${pipeline}-${environment}-${service}-${what}-${side}`));
