/** Which secrets the task definitions name, so that an environment's execution role may read those and no others. */

import type { Environment, TaskDefinitionTemplate } from '../domain/pipeline/pipeline.ts';
import { isOwnSecret } from '../domain/task-definition/dangers.ts';
import type { Place } from './place.ts';

export interface Secrets {
  /** ARNs of AWS Secrets Manager. */
  readonly secretsManager: readonly string[];
  /** ARNs of Systems Manager parameters. */
  readonly parameters: readonly string[];
}

/** `arn:aws:secretsmanager:<region>:<account>:secret:<name>-<6>:<json key>:<stage>:<version>` is asked for as its first seven parts. */
const SECRET_PARTS = 7;

/**
 * `containerDefinitions[].secrets[].valueFrom`: ARNs, or names of parameters of this account.
 * What belongs to another environment is left out, as rendering refuses it, unless the environment allows foreign secrets.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html
 */
export function secretsOf(
  templates: readonly TaskDefinitionTemplate[],
  environment: Pick<Environment, 'name' | 'allow'>,
  place: Place,
): Secrets {
  const bounds = { environment, environments: place.environments.map(({ name }) => name), account: place.account };
  const sources = templates
    .flatMap(({ containerDefinitions }) => containerDefinitions)
    .flatMap(({ secrets }) => (Array.isArray(secrets) ? (secrets as { valueFrom?: unknown }[]) : []))
    .map(({ valueFrom }) => String(valueFrom ?? ''))
    .filter((source) => source !== '' && (environment.allow.includes('foreign-secrets') || isOwnSecret(source, bounds)))
    .map((source) => (source.startsWith('arn:') ? source : place.arn('ssm', `parameter/${source.replace(/^\//, '')}`)));
  const of = (service: string) => sources.filter((source) => source.startsWith(`arn:aws:${service}:`));
  const secrets = of('secretsmanager').map((arn) => arn.split(':').slice(0, SECRET_PARTS).join(':'));
  return { secretsManager: [...new Set(secrets)].sort(), parameters: [...new Set(of('ssm'))].sort() };
}
