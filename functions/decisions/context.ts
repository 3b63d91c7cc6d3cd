/** What decisions have in common: their schema, what they may use, and what they come to. */
import * as z from 'zod/mini';
import type { Registry } from '../../aws/ecr.ts';
import type { Journal } from '../../aws/journal.ts';
import type { Ledger } from '../../aws/ledger.ts';
import type { Migrations } from '../../aws/migrations.ts';
import type { Outbox } from '../../aws/outbox.ts';
import type { StepFunctions } from '../../aws/step-functions.ts';
import type { Turns } from '../../aws/turns.ts';
import type { Workflow } from '../../domain/pipeline/names.ts';
import type { Person, Pipeline } from '../../domain/pipeline/pipeline.ts';

const text = z.string().check(z.maxLength(300));
const reason = z.string().check(z.minLength(1), z.maxLength(1000));
const instant = z.string().check(z.refine((value) => !Number.isNaN(Date.parse(value)), 'not a time'));
const digest = z.string().check(z.regex(/^sha256:[0-9a-f]{64}$/));

/** What people may order. */
export const Decision = z.discriminatedUnion('verb', [
  z.strictObject({ verb: z.enum(['approve', 'reject']), approval: text, digest: text, reason: z.optional(reason) }),
  z.strictObject({ verb: z.literal('freeze'), environment: text, reason, until: z.optional(instant) }),
  z.strictObject({ verb: z.literal('thaw'), environment: text }),
  z.strictObject({ verb: z.literal('pin'), environment: text, repository: z.optional(text), reason }),
  z.strictObject({ verb: z.literal('unpin'), environment: text, repository: z.optional(text) }),
  z.strictObject({ verb: z.literal('promote'), repository: text, digest, to: text, hotfix: z.optional(reason) }),
  z.strictObject({ verb: z.literal('promote-set'), from: text, to: text, manifest: z.record(text, digest) }),
  z.strictObject({
    verb: z.literal('rollback'),
    environment: text,
    repository: z.optional(text),
    to: z.optional(digest),
    now: z.optional(z.boolean()),
    reason: z.optional(reason),
  }),
  z.strictObject({ verb: z.literal('restart'), environment: text, service: z.optional(text), reason: z.optional(reason) }),
  z.strictObject({ verb: z.literal('abort'), execution: text, reason: z.optional(reason) }),
  z.strictObject({ verb: z.enum(['wake', 'teardown']), environment: text }),
  z.strictObject({ verb: z.literal('extend'), environment: text, until: instant }),
]);

export type Decision = z.infer<typeof Decision>;
/** The decisions of one verb. */
export type Of<Verb extends Decision['verb'], One = Decision> = One extends { readonly verb: infer Verbs }
  ? Verb extends Verbs
    ? One
    : never
  : never;

export interface World {
  readonly pipeline: Pipeline;
  readonly ledger: Ledger;
  readonly turns: Turns;
  readonly registry: Pick<Registry, 'image'>;
  readonly migrations: Pick<Migrations, 'runs'>;
  readonly outbox: Outbox;
  readonly journal: Pick<Journal, 'write' | 'writeWith'>;
  readonly workflows: Pick<StepFunctions, 'start' | 'stop'>;
  /** ARN of each state machine. */
  readonly machines: Readonly<Record<Workflow, string>>;
}

/** Somebody of the pipeline, as the signature proves, at one moment. */
export interface Caller {
  readonly person: Person;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What a decision came to, in words. */
export type Said =
  | { readonly refused: string }
  /** `stopped`: the execution was not started but stopped. */
  | { readonly done: string; readonly execution?: string; readonly stopped?: true };

export const refused = (why: string): Said => ({ refused: why });
