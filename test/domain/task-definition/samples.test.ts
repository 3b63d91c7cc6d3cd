/** What `check` says of task definitions as teams keep them: all at once, each once, at its place and for the environments that it concerns. */
import { ECSClient, RegisterTaskDefinitionCommand } from '@aws-sdk/client-ecs';
import { describe, expect, it } from 'vitest';
import { parsePipeline } from '../../../domain/configuration/configuration.ts';
import { foundationPlaceholder, planRequests } from '../../../domain/promotion/planned-requests.ts';
import { validate } from '../../../local/services/ecs/definition-rules.ts';
import findings from '../../fixtures/task-definition-findings.json' with { type: 'json' };
import { release } from '../parts.ts';
import { configOf, problemsOf, SAMPLES, textOf } from './samples.ts';

const START = 'services.web.taskDefinition';

/** `place`, with `in live` where it concerns one environment. */
const found = (sample: string): string[] =>
  problemsOf(configOf(sample))
    .map(({ place, message }) => `${place.slice(START.length).replace(/^\./, '')}${/ in (test|live)(?=\)$)/.exec(message)?.[0] ?? ''}`)
    .sort();

describe('check', () => {
  for (const sample of SAMPLES)
    it(`says all that is wrong with ${sample} at once`, () =>
      expect(found(sample)).toEqual((findings as Record<string, string[]>)[sample]));

  it('names the line of the file, and the way out', () => {
    const said = problemsOf(configOf('46-misspelt-members.json')).map(({ place, message }) => `${place}: ${message}`);
    expect(said).toContain(
      `${START}.containerDefinitions[0].healthcheck: ECS knows no such member, did you mean "healthCheck"? (46-misspelt-members.json:20; in all environments)`,
    );
    expect(said).toContain(
      `${START}.containerOverrides: ECS knows no such member of a task definition: it is a member of RunTask; take it out here (46-misspelt-members.json:10; in all environments)`,
    );
  });

  it('finds no fault with percent signs, nor with what Docker, a shell and a log router put in themselves', () =>
    expect(found('42-percent-signs.json').filter((place) => /environment|command|options\.(?!awslogs-group)/.test(place))).toEqual([]));
});

/** A sample without what an environment fills in by itself: roles, and logs in a group of its own. */
function without(sample: string): string | undefined {
  let template: Record<string, unknown>;
  try {
    template = JSON.parse(textOf(sample).replace(/^\uFEFF/, '')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const { taskRoleArn: _, executionRoleArn: __, ...rest } = template;
  const containers = rest.containerDefinitions;
  if (!Array.isArray(containers)) return undefined;
  const kept = (containers as Record<string, unknown>[]).map(({ logConfiguration, secrets: _secrets, ...container }) =>
    (logConfiguration as { logDriver?: string } | undefined)?.logDriver === 'awslogs' || logConfiguration === undefined
      ? container
      : { ...container, logConfiguration },
  );
  return JSON.stringify({ ...rest, containerDefinitions: kept });
}

/** The body that the client sends for an input. */
async function sent(input: object): Promise<unknown> {
  let body: unknown;
  const client = new ECSClient({
    region: 'eu-central-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    requestHandler: {
      handle: async (request: { readonly body: string }) => {
        body = JSON.parse(request.body);
        throw new Error('not sent');
      },
    } as never,
    maxAttempts: 1,
  });
  await client.send(new RegisterTaskDefinitionCommand(input as never)).catch(() => undefined);
  return body;
}

describe('what check passes', () => {
  const passing = SAMPLES.flatMap((sample) => {
    const text = without(sample);
    return text !== undefined && problemsOf(configOf(sample), () => text).length === 0 ? [{ sample, text }] : [];
  });

  it('is most of the samples for Fargate, once the environment fills in roles and logs', () => expect(passing.length).toBeGreaterThan(24));

  for (const { sample, text } of passing)
    it(`of ${sample} is planned as the client sends it, and registered`, async () => {
      const pipeline = parsePipeline(configOf(sample), () => text);
      const [register] = planRequests(pipeline, 'live', release('app', 'build-7'), foundationPlaceholder(pipeline, 'live'));
      expect(register?.call).toBe('ecs:RegisterTaskDefinition');
      expect(await sent(register!.input)).toEqual(register!.input);
      // Local AWS says itself what it does not do; it refuses nothing of what check passes.
      try {
        validate(register!.input as never);
      } catch (error) {
        expect((error as Error).message).toMatch(/not implemented|does not do|restartPolicy|awslogs-create-group/i);
      }
    });
});
