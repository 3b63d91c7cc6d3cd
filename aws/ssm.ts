/** Systems Manager parameters: what the foundations of an environment are called. */
import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { alternateParameter, foundationParameter, targetGroupParameter } from '../domain/pipeline/names.ts';
import type { Foundation } from '../domain/pipeline/pipeline.ts';
import { type Connection, clientSettings } from './clients.ts';

/** GetParameters takes ten names. https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html */
const NAMES_PER_CALL = 10;

export interface FoundationOf {
  readonly foundation: Foundation;
  /** ARNs by service. */
  readonly targetGroups: Readonly<Record<string, string>>;
  /** ARNs by service, of the target groups that take turns with those. */
  readonly alternates: Readonly<Record<string, string>>;
}

/**
 * Milliseconds that a parameter is remembered by a function that stays warm. Foundations change when a stack is deployed, and
 * what running tasks need stays until no service uses it.
 */
const REMEMBERED = 5 * 60_000;

export class Parameters {
  private readonly client: SSMClient;
  private readonly now: () => number;
  private readonly known = new Map<string, { readonly value: string; readonly until: number }>();

  constructor(connection: Connection = {}, now: () => number = Date.now) {
    this.client = new SSMClient(clientSettings(connection));
    this.now = now;
  }

  /**
   * @param services the web services whose target groups are needed
   * @param shifting those of them whose traffic shifts
   * @throws Error if a parameter is missing: the environment's stack has not been deployed since the service was configured
   */
  async foundation(
    pipeline: string,
    environment: string,
    services: readonly string[],
    shifting: readonly string[] = [],
  ): Promise<FoundationOf> {
    const groups = new Map(services.map((service) => [targetGroupParameter(pipeline, environment, service), service]));
    const base = foundationParameter(pipeline, environment);
    const pairs = new Map(shifting.map((service) => [alternateParameter(pipeline, environment, service), service]));
    const names = [base, ...groups.keys(), ...pairs.keys()];
    const now = this.now();
    const values = new Map(names.flatMap((name) => this.remembered(name, now)));
    const unknown = names.filter((name) => !values.has(name));
    for (let start = 0; start < unknown.length; start += NAMES_PER_CALL) {
      const { Parameters: found = [] } = await this.client.send(
        new GetParametersCommand({ Names: unknown.slice(start, start + NAMES_PER_CALL) }),
      );
      for (const { Name, Value } of found) {
        if (!Name || !Value) continue;
        values.set(Name, Value);
        this.known.set(Name, { value: Value, until: now + REMEMBERED });
      }
    }
    const missing = names.filter((name) => !values.has(name));
    if (missing.length > 0) throw new Error(`no parameter ${missing.join(', ')}: deploy the stack of environment ${environment} first`);
    return {
      foundation: JSON.parse(values.get(base)!) as Foundation,
      targetGroups: Object.fromEntries([...groups].map(([name, service]) => [service, values.get(name)!])),
      alternates: Object.fromEntries([...pairs].map(([name, service]) => [service, values.get(name)!])),
    };
  }
  private remembered(name: string, now: number): [string, string][] {
    const known = this.known.get(name);
    return known && known.until > now ? [[name, known.value]] : [];
  }
}
