/** Schemas of what steps take from each other, shared by their doors. */
import * as z from 'zod/mini';

const text = z.string();

export const releaseSchema = z.object({
  repository: text,
  digest: text,
  tag: text,
  order: text,
  commit: z.optional(text),
  message: z.optional(text),
  author: z.optional(text),
  pushedAt: text,
});

export const outcomeSchema = z.object({
  outcome: z.enum(['succeeded', 'superseded', 'refused', 'failed', 'errored']),
  reason: text,
});

/** Who ordered something out of turn, and why. */
export const byHandSchema = z.object({ by: text, reason: text });

export const orderedSchema = z.object({ verb: z.enum(['rollback', 'restart']), by: text, reason: text });

/** The `Pick` of the promotion workflow that most of its steps take. */
export const promotionSchema = z.object({
  promotion: text,
  environment: text,
  stage: text,
  climb: text,
  release: releaseSchema,
});
