/** Taking down what does not fit into one minute. */
import { describe, expect, it } from 'vitest';
import type { ServiceRecord } from '../../domain/ledger/records.ts';
import type { Moment } from '../../functions/handler/step.ts';
import { teardownEnvironment } from '../../functions/teardown-environment.ts';
import { foundation, pipeline } from '../domain/parts.ts';

/** An environment whose ECS deletes so many services in the time of one try. */
function environment(services: number, inOneTry: number) {
  const records = new Map<string, ServiceRecord>();
  for (let index = 0; index < services; index++) {
    const service = `s${index}`;
    // A few of them were called down in another night.
    records.set(service, { environment: 'test', service, state: index % 10 ? 'running' : 'absent', taskDefinition: 't:1', promotion: 'p' });
  }
  const deleted: string[] = [];
  let left = 0;
  const act = teardownEnvironment({
    pipeline,
    parameters: { foundation: async () => ({ foundation, targetGroups: {} }) },
    ledger: {
      services: async () => [...records.values()],
      putService: async (record: ServiceRecord) => void records.set(record.service, record),
    },
    turns: { assertEnvironmentTurn: async () => {} },
    clients: () => ({
      loadBalancing: { deleteRules: async () => {} },
      ecs: {
        delete: async (_cluster: string, service: string) => {
          if (left-- === 0) throw new Error('Task timed out after 60.00 seconds');
          deleted.push(service);
        },
      },
    }),
  } as unknown as Parameters<typeof teardownEnvironment>[0]);
  const attempt = async (execution: string) => {
    left = inOneTry;
    return act({ act: 'services', environment: 'test', execution, fence: 1 }, { now: () => 0 } as Moment);
  };
  return { attempt, deleted, records };
}

describe('a teardown of very many services', () => {
  it('goes on at a retry where it stopped, and comes to its end', async () => {
    const { attempt, deleted, records } = environment(800, 300);
    await expect(attempt('night-1')).rejects.toThrow();
    await expect(attempt('night-1')).rejects.toThrow();
    await attempt('night-1');
    expect(new Set(deleted).size).toBe(800);
    expect(deleted).toHaveLength(800);
    expect([...records.values()].every(({ state }) => state === 'absent')).toBe(true);
  });

  it('asks ECS anew in another night, whatever was written down', async () => {
    const { attempt, deleted } = environment(10, 300);
    await attempt('night-1');
    await attempt('night-2');
    expect(deleted).toHaveLength(20);
  });
});
