/** The schema of `shiplock.config.ts`: which keys there are, and what each takes. What keys mean together, `config.ts` says. */
import { z } from 'zod';

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'not a time such as "07:00"');
const name = z
  .string()
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'lower-case letters and digits, with single hyphens between them, beginning with a letter');
const parameter = z
  .string()
  .regex(
    /^\/[\w.-]+(\/[\w.-]+)*$/,
    'the address of a webhook is a secret: put it into a SecureString parameter of Systems Manager, and name that here, as "/acme/slack-webhook"',
  );
const words = z.array(z.string());
const minutes = z.int().min(0).max(1440);
const strategy = z.union([
  z.string(),
  z.strictObject({
    kind: z.string(),
    bakeMinutes: minutes.optional(),
    percent: z.number().min(0.1).max(100).optional(),
    stepBakeMinutes: minutes.optional(),
    confirm: z.boolean().optional(),
    pauseMinutes: z.int().min(5).max(20_160).optional(),
    earlySuccess: z.boolean().optional(),
  }),
]);

/** As ECS takes them: a count of 1 to 200, or a share of the tasks that are wanted. */
const failureThreshold = z.union([
  z.number().min(1).max(200).refine(Number.isInteger, 'not a whole number of tasks'),
  z.string().regex(/^([1-9]\d?|100)%$/, 'neither a number of tasks nor a share of them such as "25%"'),
]);

/** What `days` may say, as ISO weekdays. */
export const DAYS: Readonly<Record<string, readonly number[]>> = {
  'monday-friday': [1, 2, 3, 4, 5],
  'monday-saturday': [1, 2, 3, 4, 5, 6],
  'every-day': [1, 2, 3, 4, 5, 6, 7],
};

export const schema = z.strictObject({
  name: name.max(12),
  timeZone: z.string().optional(),
  sites: z.record(
    name,
    z.strictObject({
      account: z.string().regex(/^\d{12}$/, 'not an account: twelve digits'),
      region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'not a Region such as "eu-central-1"'),
    }),
  ),
  people: z
    .record(z.email(), z.strictObject({ session: z.string().optional(), authorAs: words.optional(), groups: words.optional() }))
    .optional(),
  repositories: z.record(
    z.string().regex(/^[a-z0-9]+([._/-][a-z0-9]+)*$/, 'not a name that ECR takes'),
    z.strictObject({
      tags: z.string().min(1),
      order: z.enum(['build-number', 'semver', 'commit-time', 'push-time']).optional(),
      platform: z.string().optional(),
    }),
  ),
  services: z.record(
    name,
    z.strictObject({
      taskDefinition: z.string(),
      containers: z.record(z.string(), z.union([z.string(), z.strictObject({ image: z.string() })])),
      web: z
        .strictObject({
          container: z.string(),
          port: z.int().min(1).max(65_535),
          path: z.string().startsWith('/'),
          health: z.string().startsWith('/'),
          graceSeconds: z.int().min(0).optional(),
        })
        .optional(),
      count: z.union([z.int().min(1), z.record(z.string(), z.int().min(1))]).optional(),
      strategy: z.record(z.string(), strategy).optional(),
    }),
  ),
  databases: z
    .record(
      name,
      z.strictObject({
        taskDefinition: z.string(),
        containers: z.record(z.string(), z.union([z.string(), z.strictObject({ image: z.string() })])),
        command: words.min(1).optional(),
        timeoutMinutes: z.int().min(1).max(480).optional(),
      }),
    )
    .optional(),
  environments: z.record(
    name,
    z.strictObject({
      databases: z.record(z.string(), z.union([z.string(), z.literal(false)])).optional(),
      site: z.string().optional(),
      onDemand: z
        .strictObject({
          days: z.enum(Object.keys(DAYS) as [string, ...string[]]).optional(),
          from: time,
          to: time,
          timeZone: z.string().optional(),
          depth: z.enum(['tasks', 'cluster']).optional(),
          outside: z.enum(['wait', 'wake']).optional(),
        })
        .optional(),
      strategy: strategy.optional(),
      failureThreshold: failureThreshold.optional(),
      checks: z
        .array(
          z.strictObject({
            service: z.string().optional(),
            path: z.string().startsWith('/'),
            status: z.int().min(100).max(599).optional(),
            contains: z.string().optional(),
            attempts: z.int().min(1).max(10).optional(),
          }),
        )
        .optional(),
      build: z.string().optional(),
      approval: z
        .strictObject({
          approvers: words.min(1),
          quorum: z.int().min(1).optional(),
          notAuthor: z.boolean().optional(),
          expiresHours: z.int().min(1).max(8760).optional(),
        })
        .optional(),
      variables: z.record(z.string(), z.string()).optional(),
      timeouts: z
        .strictObject({
          deployMinutes: z.int().min(1).max(1440).optional(),
          verifyMinutes: z.int().min(1).max(480).optional(),
          turnHours: z.int().min(1).max(96).optional(),
        })
        .optional(),
      allow: z
        .array(z.enum(['privileged', 'host-network', 'host-volumes', 'foreign-roles', 'foreign-secrets', 'plaintext-secrets']))
        .optional(),
    }),
  ),
  path: z.array(z.union([z.string(), z.array(z.string()).min(1)])).min(1),
  builds: z
    .record(
      name,
      z.strictObject({
        buildspec: z.string(),
        computeType: z.string().optional(),
        image: z.string().optional(),
        timeoutMinutes: z.int().min(5).max(480).optional(),
      }),
    )
    .optional(),
  notifications: z
    .strictObject({
      email: z.array(z.email()).optional(),
      slack: z.strictObject({ webhook: parameter }).optional(),
      teams: z.strictObject({ webhook: parameter }).optional(),
    })
    .optional(),
  sweepMinutes: z.int().min(1).max(60).optional(),
});

/** The configuration as a team writes it. */
export type PipelineConfig = z.input<typeof schema>;
/** The same after zod: known keys, known values. */
export type Parsed = z.output<typeof schema>;

/** Every key of the schema, as paths with `*` for names: what the example must show. */
export const schemaKeys = (): string[] => keysOf(schema);

function keysOf(type: z.core.$ZodType, path = ''): string[] {
  if (type instanceof z.ZodOptional) return keysOf(type.unwrap(), path);
  if (type instanceof z.ZodObject)
    return Object.entries(type.shape).flatMap(([key, inner]) => [`${path}${key}`, ...keysOf(inner as z.core.$ZodType, `${path}${key}.`)]);
  if (type instanceof z.ZodRecord) return keysOf(type.valueType as z.core.$ZodType, `${path}*.`);
  if (type instanceof z.ZodArray) return keysOf(type.element as z.core.$ZodType, `${path}*.`);
  if (type instanceof z.ZodUnion) return type.options.flatMap((option) => keysOf(option as z.core.$ZodType, path));
  return [];
}
