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

/** ARN of a web service's target group. */
export const targetGroupParameter = (pipeline: string, environment: string, service: string) =>
  `/shiplock/${pipeline}/${environment}/target-groups/${service}`;

export const logGroup = (pipeline: string, environment: string, service: string) => `/shiplock/${pipeline}/${environment}/${service}`;

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
 * (a longer repository name loses its middle). Slashes become underscores.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export function releaseExecution(repository: string, digest: string, attempt: number): string {
  const tail = `-${digest.replace('sha256:', '').slice(0, 12)}-${attempt}`;
  return shorten(repository.replaceAll('/', '_'), 80 - tail.length - 20) + tail;
}

/** The name of a promotion's execution: the environment and the release's execution. At most 80 characters. */
export const promotionExecution = (environment: string, release: string) => `${environment}-${release}`;

function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  const half = Math.floor((length - 2) / 2);
  return `${text.slice(0, half)}..${text.slice(-half)}`;
}

/** The role that people of the pipeline have without single sign-on: its trust policy fixes the session name to the user's. */
export const peopleRole = (pipeline: string) => `${pipeline}-people`;

/** A web service's target group: AWS takes 32 characters. */
export const targetGroupName = (pipeline: string, environment: string, service: string) => `${pipeline}-${environment}-${service}`;
