/** Makes a template of a task definition that exists: what may be registered, with the placeholder where the image's tag was. */
import { executionRole, logGroup, taskRole } from '../pipeline/names.ts';

/** What ECS adds by itself, and refuses in a registration. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html */
export const READ_ONLY: ReadonlySet<string> = new Set([
  'taskDefinitionArn',
  'revision',
  'status',
  'requiresAttributes',
  'compatibilities',
  'registeredAt',
  'registeredBy',
  'deregisteredAt',
  'deleteRequestedAt',
]);

export const PLACEHOLDER = '%BUILD_VERSION%';

/** What an environment has that a template does not: known where the definition is one of this pipeline. */
export interface Filled {
  /** Variables that every container of the environment gets. */
  readonly variables: Readonly<Record<string, string>>;
  /** By digest: the tag of the release, which stood where the placeholder was. */
  readonly tags: Readonly<Record<string, string>>;
}

/** What may be registered of a definition that ECS gave out. */
export const withoutReadOnly = (definition: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(definition).filter(([name]) => !READ_ONLY.has(name)));

interface Definition {
  readonly containerDefinitions?: readonly { readonly image?: string | undefined }[] | undefined;
}

/**
 * @param tags of the definition, which ECS keeps beside it; its own (`aws:…`) are left out
 * @param filled of the environment that it is for
 */
export function templateOf(
  definition: Definition,
  tags: readonly { readonly key?: string | undefined; readonly value?: string | undefined }[],
  isOurs: (image: string) => boolean,
  filled: Filled = { variables: {}, tags: {} },
): Record<string, unknown> {
  const own = tags.filter(({ key }) => !key?.startsWith('aws:'));
  const complete = { ...withoutEmpty(withoutReadOnly(definition)), ...(own.length > 0 ? { tags: own } : {}) };
  const { containerDefinitions, ...rest } = withoutFilled(complete, filled);
  if (containerDefinitions === undefined) return rest;
  const containers = (containerDefinitions as readonly { readonly image?: string }[]).map((container) => {
    const { image } = container;
    const { cpu, ...kept } = withoutEmpty(container);
    // ECS writes 0 where nothing was said.
    const said = cpu === 0 || cpu === undefined ? kept : { ...kept, cpu };
    return image && isOurs(image) ? { ...said, image: withPlaceholder(image) } : said;
  });
  return { ...rest, containerDefinitions: containers };
}

const withoutEmpty = (members: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && !isEmpty(value)));

type Members = Readonly<Record<string, unknown>>;

/** Of which pipeline, environment and service a definition is, by its tags; undefined if no pipeline registered it. */
export function originOf(tags: readonly { readonly key?: string | undefined; readonly value?: string | undefined }[]) {
  const of = (name: string) => tags.find(({ key }) => key === `shiplock:${name}`)?.value;
  const [pipeline, environment, service] = [of('pipeline'), of('environment'), of('service')];
  return pipeline !== undefined && environment !== undefined && service !== undefined ? { pipeline, environment, service } : undefined;
}

/**
 * A template without what a pipeline fills in for each environment anew: family, roles, logs, variables, tags, and the release's
 * tag where the placeholder stood. What somebody else registered stays as it is.
 */
function withoutFilled(template: Record<string, unknown>, { variables, tags }: Filled): Record<string, unknown> {
  const own = (template.tags ?? []) as readonly { readonly key?: string; readonly value?: string }[];
  const origin = originOf(own);
  if (origin === undefined) return template;
  const { pipeline, environment, service } = origin;
  const { family: _family, tags: _tags, executionRoleArn, taskRoleArn, containerDefinitions, ...rest } = template;
  const isRole = (arn: unknown, name: string) => String(arn).endsWith(`:role/${name}`);
  const group = logGroup(pipeline, environment, service);
  const left = own.filter(({ key }) => !key?.startsWith('shiplock:'));
  const containers = ((containerDefinitions ?? []) as readonly Members[]).map(({ logConfiguration, environment: pairs, ...container }) => {
    const tag = tags[String(container.image).split('@')[1] ?? ''];
    const mine = ((pairs ?? []) as readonly { name: string; value: string }[])
      .filter(({ name, value }) => variables[name] !== value)
      .map(({ name, value }) => ({ name, value: tag !== undefined && value === tag ? PLACEHOLDER : value }));
    const options = (logConfiguration as { readonly options?: Members } | undefined)?.options;
    return {
      ...container,
      ...(logConfiguration === undefined || options?.['awslogs-group'] === group ? {} : { logConfiguration }),
      ...(mine.length > 0 ? { environment: mine } : {}),
    };
  });
  return {
    ...(executionRoleArn === undefined || isRole(executionRoleArn, executionRole(pipeline, environment)) ? {} : { executionRoleArn }),
    ...(taskRoleArn === undefined || isRole(taskRoleArn, taskRole(pipeline, environment)) ? {} : { taskRoleArn }),
    ...rest,
    containerDefinitions: containers,
    ...(left.length > 0 ? { tags: left } : {}),
  };
}

const isEmpty = (value: unknown) => Array.isArray(value) && value.length === 0;

/** `…/orders:git_1`, `…/orders@sha256:…` and both become `…/orders:%BUILD_VERSION%`. A colon before the last slash is a port. */
export function withPlaceholder(image: string): string {
  const name = image.split('@')[0] ?? '';
  const slash = name.lastIndexOf('/');
  const colon = name.indexOf(':', slash + 1);
  return `${colon < 0 ? name : name.slice(0, colon)}:${PLACEHOLDER}`;
}

/** Whether an image lies in ECR of an account, where builds push to; others are fixed. */
export const isInEcr = (image: string): boolean => /^\d{12}\.dkr[.-]ecr\./.test(image);
