/** Schemas of the inputs that several steps share. */
import * as z from 'zod/mini';
import { inWords } from '../../domain/workflow/outcome.ts';

const text = z.string();

const one = {
  repository: text,
  digest: text,
  tag: text,
  order: text,
  commit: z.optional(text),
  message: z.optional(text),
  author: z.optional(text),
  pushedAt: text,
};

/** Undefined members are dropped: one release has none. */
export const releaseSchema = z.object({ ...one, members: z.optional(z.readonly(z.array(z.object(one)))) });

/** A set, as it starts. */
export const setSchema = z.object({ from: text, at: text, members: z.readonly(z.array(z.object(one))) });

export const outcomeSchema = z.object({
  outcome: z.enum(['succeeded', 'superseded', 'refused', 'failed', 'errored']),
  reason: z.pipe(text, z.transform(inWords)),
});

/** Who ordered something out of turn, and why. */
export const byHandSchema = z.object({ by: text, reason: text });

export const orderedSchema = z.object({ verb: z.enum(['rollback', 'restart']), by: text, reason: text });

/** Of an environment: what a deployment needs, as registration has found it. */
export const placeSchema = z.object({
  services: z.array(text),
  foundation: z.object({
    cluster: text,
    subnets: z.array(text),
    securityGroups: z.array(text),
    listenerArn: text,
    host: text,
    test: z.optional(z.object({ listenerArn: text, port: z.number(), infrastructureRoleArn: text })),
    executionRoleArn: text,
    taskRoleArn: text,
  }),
  targetGroups: z.record(text, text),
  alternates: z.record(text, text),
});

/** The `Pick` of the promotion workflow that most of its steps take. */
export const promotionSchema = z.object({
  promotion: text,
  environment: text,
  stage: text,
  releaseRun: text,
  release: releaseSchema,
});
