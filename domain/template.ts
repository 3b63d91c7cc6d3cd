/** Makes a template of a task definition that exists: what may be registered, with the placeholder where the image's tag was. */

/** What ECS adds by itself, and refuses in a registration. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html */
const READ_ONLY = new Set([
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

/** What may be registered of a definition that ECS gave out. */
export const withoutReadOnly = (definition: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(definition).filter(([name]) => !READ_ONLY.has(name)));

interface Definition {
  readonly containerDefinitions?: readonly { readonly image?: string | undefined }[] | undefined;
}

/** @param tags of the definition, which ECS keeps beside it; its own (`aws:…`) are left out */
export function templateOf(
  definition: Definition,
  tags: readonly { readonly key?: string | undefined; readonly value?: string | undefined }[],
  isOurs: (image: string) => boolean,
): Record<string, unknown> {
  const kept = Object.entries(withoutReadOnly(definition)).filter(([, value]) => value !== undefined && !isEmpty(value));
  const own = tags.filter(({ key }) => !key?.startsWith('aws:'));
  return {
    ...Object.fromEntries(kept),
    ...(definition.containerDefinitions
      ? {
          containerDefinitions: definition.containerDefinitions.map((container) =>
            container.image && isOurs(container.image) ? { ...container, image: withPlaceholder(container.image) } : container,
          ),
        }
      : {}),
    ...(own.length > 0 ? { tags: own } : {}),
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
