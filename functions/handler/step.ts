/** What every function shares: middy, structured logs, metrics, and input that is parsed before anything else. */
import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import middy from '@middy/core';
import * as z from 'zod/mini';

/** What a step may use of its surroundings besides AWS. */
export interface Moment {
  /** Milliseconds since the epoch. */
  now(): number;
  readonly logger: Logger;
  /** Counts something for the dashboards. */
  count(name: string, dimensions?: Record<string, string>): void;
}

/** What came in is not what the step takes; a bug in a workflow, or a stranger. */
export class MalformedInputError extends Error {
  constructor(step: string, issues: readonly { readonly path: PropertyKey[]; readonly message: string }[]) {
    super(`${step}: ${issues.map(({ path, message }) => `${path.join('.') || 'input'}: ${message}`).join('; ')}`);
    this.name = 'MalformedInputError';
  }
}

/**
 * A Lambda handler around one step.
 * @param name the step's name: its file's, and `step` in every log line
 * @param schema what comes in; unknown members are dropped
 * @param wire makes the step with its real clients, at the first invocation
 * @throws MalformedInputError for an input that does not fit; else what the step throws, by its name for the state machine's Catch
 */
export function step<Schema extends z.ZodMiniType, Output>(
  name: string,
  schema: Schema,
  wire: () => (input: z.infer<Schema>, moment: Moment) => Promise<Output>,
) {
  let run: ReturnType<typeof wire> | undefined;
  const logger = new Logger({ persistentLogAttributes: { step: name } });
  const metrics = new Metrics({ defaultDimensions: { step: name } });
  return middy()
    .use(injectLambdaContext(logger))
    .handler(async (event: unknown): Promise<Output> => {
      const parsed = z.safeParse(schema, event);
      if (!parsed.success) throw new MalformedInputError(name, parsed.error.issues);
      const count = (metric: string, dimensions: Record<string, string> = {}) => {
        const single = metrics.singleMetric();
        for (const [key, value] of Object.entries(dimensions)) single.addDimension(key, value);
        single.addMetric(metric, MetricUnit.Count, 1);
      };
      try {
        run ??= wire();
        return await run(parsed.data, { now: () => Date.now(), logger, count });
      } catch (error) {
        logger.warn('step ended with an error', error as Error);
        throw error;
      }
    });
}
