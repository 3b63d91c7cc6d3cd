/** Which secrets the task definitions name, so that execution roles may read those and no others. */
import type { TaskDefinitionTemplate } from '../domain/pipeline.ts';

export interface Secrets {
  /** ARNs of AWS Secrets Manager. */
  readonly secretsManager: readonly string[];
  /** ARNs of Systems Manager parameters. */
  readonly parameters: readonly string[];
}

/** `arn:aws:secretsmanager:<region>:<account>:secret:<name>-<6>:<json key>:<stage>:<version>` is asked for as its first seven parts. */
const SECRET_PARTS = 7;

/** `containerDefinitions[].secrets[].valueFrom`, by ARN. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html */
export function secretsOf(templates: readonly TaskDefinitionTemplate[]): Secrets {
  const sources = templates
    .flatMap(({ containerDefinitions }) => containerDefinitions)
    .flatMap(({ secrets }) => (Array.isArray(secrets) ? (secrets as { valueFrom?: unknown }[]) : []))
    .map(({ valueFrom }) => String(valueFrom ?? ''));
  const of = (service: string) => sources.filter((source) => source.startsWith(`arn:aws:${service}:`));
  const secrets = of('secretsmanager').map((arn) => arn.split(':').slice(0, SECRET_PARTS).join(':'));
  return { secretsManager: [...new Set(secrets)].sort(), parameters: [...new Set(of('ssm'))].sort() };
}
