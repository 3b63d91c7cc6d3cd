/** What a step has before it: a real ledger, turns and outbox on local AWS, workflows and a journal that remember, and an ECS that says what it is told to. */
import type { DeploymentStatus } from '../../aws/ecs.ts';
import { Ledger } from '../../aws/ledger.ts';
import { Outbox } from '../../aws/outbox.ts';
import type { Answer, ExecutionEnd, StepFunctions } from '../../aws/step-functions.ts';
import type { Table, Write } from '../../aws/table.ts';
import { Turns } from '../../aws/turns.ts';
import type { JournalEntry, WaitRecord } from '../../domain/ledger/records.ts';
import { environmentName } from '../../domain/pipeline/names.ts';
import type { EnvironmentClients } from '../../functions/environment/clients.ts';
import type { Moment } from '../../functions/handler/step.ts';
import { clientConfig } from '../../local/core/client.ts';
import { VirtualClock } from '../../local/core/clock.ts';
import { World } from '../../local/core/world.ts';
import { factories } from '../../local/services/index.ts';
import { createTable } from '../aws/tables.ts';
import { foundation, pipeline } from '../domain/parts.ts';

const region = 'eu-central-1';
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
/** A Monday, in the hours of every environment of the example. */
export const MORNING = Date.parse('2026-11-23T08:00:00Z');
/** The same Monday, after hours. */
export const EVENING = Date.parse('2026-11-23T21:00:00Z');

export interface Started {
  readonly machine: string;
  readonly name: string;
  readonly input: unknown;
}

export type StepFixture = Awaited<ReturnType<typeof stepFixture>>;

/** @param start what the step's clock shows */
export async function stepFixture(start = MORNING) {
  // A table takes its time to be there.
  const clock = new VirtualClock(start - MINUTE);
  const local = new World(clock, factories);
  const all = { Version: '2012-10-17', Statement: { Effect: 'Allow' as const, Action: '*', Resource: '*' } };
  const credentials = local.site('111122223333', region).service('iam').user('admin', { all });
  const connection = clientConfig(local, { region, credentials });
  await createTable(connection, 'ledger');
  await clock.run({ until: start });

  /** What was told to whoever waits, in order; told again, as is harmless, it is here once. */
  const answers: { readonly token: string; readonly answer: Answer }[] = [];
  const started: Started[] = [];
  /** How executions stand, by ARN; none that is not here. */
  const executions = new Map<string, ExecutionEnd>();
  const journal: JournalEntry[] = [];
  const counted: string[] = [];
  /** What was asked of ECS and of the load balancer. */
  const asked: string[] = [];
  /** What ECS answers when asked about the deployment of a service, one after the other; the last one again and again. Nothing: it knows of no deployment. */
  const statuses = new Map<string, DeploymentStatus[]>();
  /** Services that ECS does not have. */
  const missing = new Set<string>();
  let now = start;
  let broken: { readonly what: string; readonly error: Error } | undefined;

  const ask = (what: string) => {
    if (broken && what.startsWith(broken.what)) {
      const { error } = broken;
      broken = undefined;
      throw error;
    }
    asked.push(what);
  };
  /** Said twice, it is there once. */
  const say = (entry: JournalEntry) => {
    if (!journal.some(({ subject, event }) => subject === entry.subject && event === entry.event)) journal.push(entry);
  };
  const workflows = {
    answer: async (token: string, answer: Answer) => {
      ask(`answer ${token}`);
      asked.pop();
      const isSame = (one: (typeof answers)[number]) => one.token === token && JSON.stringify(one.answer) === JSON.stringify(answer);
      return answers.some(isSame) || answers.push({ token, answer }) > 0;
    },
    start: async (machine: string, name: string, input: object) => {
      if (started.some((one) => one.machine === machine && one.name === name)) return false;
      return started.push({ machine, name, input }) > 0;
    },
    describe: async (arn: string) => executions.get(arn),
  };
  const ledger = new Ledger('ledger', connection);
  const serviceOf = (input: { readonly service?: string; readonly serviceName?: string }) => input.service ?? input.serviceName ?? '';
  const ecs = {
    deploymentStatus: async (_cluster: string, { service }: { readonly service: string }) => {
      const left = statuses.get(service) ?? [];
      return (left.length > 1 ? left.shift() : left[0]) ?? { state: 'none', reason: 'ECS knows of no deployment' };
    },
    update: async (input: { service: string; taskDefinition?: string; desiredCount?: number }) => {
      const tasks = input.desiredCount === undefined ? '' : ` to ${input.desiredCount}`;
      ask(`update ${serviceOf(input)} ${input.taskDefinition ?? ''}${tasks}`.trim());
      return !missing.has(input.service);
    },
    create: async (input: { serviceName: string; taskDefinition: string }) => {
      ask(`create ${serviceOf(input)} ${input.taskDefinition}`);
      missing.delete(input.serviceName);
    },
    stop: async (deployment: string) => {
      ask(`stop ${deployment}`);
      return true;
    },
    delete: async (_cluster: string, service: string) => ask(`delete ${service}`),
    createCluster: async (cluster: string) => ask(`cluster ${cluster}`),
    lastStopped: async () => undefined,
  };
  const loadBalancing = {
    rules: async () => [],
    client: {
      send: async (command: { input: { Conditions?: { PathPatternConfig?: { Values: string[] } }[] } }) => {
        ask(`rule ${command.input.Conditions?.[0]?.PathPatternConfig?.Values.join()}`);
        return { Rules: [{ RuleArn: 'rule' }] };
      },
    },
    deleteRules: async () => ask('delete rules'),
  };

  return {
    local,
    ledger,
    answers,
    started,
    executions,
    journal,
    counted,
    asked,
    statuses,
    missing,
    /** The next call that begins so ends with this error, and has no effect. */
    breakNext: (what: string, error = new Error(`${what}: lost`)) => {
      broken = { what, error };
    },
    at: (time: number) => {
      now = time;
    },
    moment: {
      now: () => now,
      logger: { info() {}, warn() {} },
      count: (name: string, dimensions: object = {}) => void counted.push([name, ...Object.values(dimensions)].join(' ')),
    } as unknown as Moment,
    /** Of the world that steps are made with: each takes what it knows. */
    world: {
      pipeline,
      parameters: {
        foundation: async (_pipeline: string, environment: string, services: readonly string[]) => ({
          foundation: { ...foundation, cluster: environmentName(pipeline.name, environment) },
          targetGroups: Object.fromEntries(services.map((service) => [service, `tg/${service}`])),
          alternates: {},
        }),
      },
      ledger,
      journal: {
        write: async (entry: JournalEntry) => say(entry),
        writeWith: async (table: Table, writes: readonly Write[], entry: JournalEntry) => {
          const isWritten = await table.transact(writes);
          if (isWritten) say(entry);
          return isWritten;
        },
      },
      turns: new Turns(ledger.table, workflows as unknown as StepFunctions),
      outbox: new Outbox(ledger.table, workflows as unknown as StepFunctions),
      workflows,
      releaseMachine: 'arn:aws:states:r:1:stateMachine:acme-release',
      wakeMachine: 'arn:aws:states:r:1:stateMachine:acme-wake',
      teardownMachine: 'arn:aws:states:r:1:stateMachine:acme-teardown',
      registry: { taggedImages: async () => [] },
      clients: () => ({ ecs, loadBalancing, logs: { lastLine: async () => undefined } }) as unknown as EnvironmentClients,
    },
    /** A wait as a step has left it. */
    wait: async (fields: Partial<WaitRecord> = {}): Promise<WaitRecord> => {
      const wait: WaitRecord = {
        environment: 'beta',
        service: 'gateway',
        owner: 'p1',
        kind: 'deploy',
        token: 't0',
        among: [fields.service ?? 'gateway'],
        taskDefinition: 'new:2',
        since: now - MINUTE,
        state: 'open',
        ...fields,
      };
      await ledger.putWait(wait);
      return wait;
    },
    /** What is written in the outbox and was not sent. */
    unsent: async () => (await ledger.open()).answers.map(({ token }) => token),
  };
}
