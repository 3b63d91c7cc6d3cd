/** What a teardown would take down, what it leaves, and what of that goes on to cost. */
import { environmentName } from '../domain/pipeline/names.ts';
import type { EnvironmentState } from '../domain/turn/protocol.ts';
import { QueryError } from './errors.ts';
import type { Readers } from './readers.ts';

export interface TeardownPreview {
  readonly environment: string;
  readonly state: EnvironmentState;
  readonly depth: 'tasks' | 'cluster';
  readonly goes: readonly string[];
  readonly stays: readonly string[];
  readonly costs: readonly string[];
}

/** @throws QueryError for an environment that always exists */
export async function teardownPreview({ pipeline, ledger, turns }: Readers, name: string): Promise<TeardownPreview> {
  const environment = pipeline.environments[name];
  if (environment?.onDemand === undefined) throw new QueryError(`${name} always exists; only an on-demand environment is torn down`);
  const { depth } = environment.onDemand;
  const [services, state] = await Promise.all([ledger.services(name), turns.state(environment)]);
  const up = services.filter((one) => one.state === 'running').map(({ service }) => service);
  return {
    environment: name,
    state,
    depth,
    goes:
      depth === 'cluster'
        ? [...up.map((one) => `service ${one}`), `cluster ${environmentName(pipeline.name, name)}`]
        : up.map((one) => `tasks of ${one}`),
    stays: [
      'load balancer and its address',
      'target groups',
      'log groups',
      ...(depth === 'tasks' ? ['services, at zero tasks', 'cluster'] : []),
    ],
    costs: ['load balancer, by the hour', 'logs that are kept, by the gigabyte'],
  };
}
