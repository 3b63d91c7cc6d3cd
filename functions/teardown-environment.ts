/** Takes an on-demand environment down, as deep as its configuration says; holds the environment turn meanwhile. */
import * as z from 'zod/mini';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { Parameters } from '../aws/ssm.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { Turns } from '../aws/turns.ts';
import { isOpen } from '../domain/environment/hours.ts';
import { environmentName } from '../domain/pipeline/names.ts';
import { type Environment, listenersOf, type Pipeline } from '../domain/pipeline/pipeline.ts';
import { ClusterBusy } from '../domain/workflow/errors.ts';
import { type EnvironmentClients, environmentClients, environmentOf } from './environment/clients.ts';
import { outcomeSchema } from './handler/inputs.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { entry } from './journal/entries.ts';

const common = { environment: z.string(), execution: z.string(), fence: z.number() };

const Input = z.discriminatedUnion('act', [
  z.object({ ...common, act: z.enum(['services', 'cluster']) }),
  z.object({ ...common, act: z.literal('complete'), outcome: outcomeSchema }),
]);

interface World {
  readonly pipeline: Pipeline;
  readonly parameters: Pick<Parameters, 'foundation'>;
  readonly ledger: Pick<Ledger, 'services' | 'putService' | 'manifest'>;
  readonly journal: Pick<Journal, 'write'>;
  readonly turns: Turns;
  readonly workflows: Pick<StepFunctions, 'start'>;
  readonly wakeMachine: string;
  readonly clients: (environment: string) => EnvironmentClients;
}

export const teardownEnvironment =
  (world: World) =>
  async (input: z.infer<typeof Input>, moment: Moment): Promise<object> => {
    const environment = environmentOf(world.pipeline, input.environment);
    switch (input.act) {
      case 'services':
        return takeDownServices(world, environment, input.execution, input.fence);
      case 'cluster':
        await world.turns.assertEnvironmentTurn(environment.name, input.execution, input.fence);
        if (!(await world.clients(environment.name).ecs.deleteCluster(environmentName(world.pipeline.name, environment.name))))
          throw new ClusterBusy(environment.name);
        return {};
      case 'complete':
        return complete(world, environment, input.execution, input.outcome, moment);
    }
  };

async function takeDownServices(
  { pipeline, parameters, ledger, turns, clients }: World,
  environment: Environment,
  execution: string,
  fence: number,
): Promise<object> {
  const depth = environment.onDemand?.depth ?? 'tasks';
  const cluster = environmentName(pipeline.name, environment.name);
  const { ecs, loadBalancing } = clients(environment.name);
  const { foundation } = await parameters.foundation(pipeline.name, environment.name, []);
  await turns.assertEnvironmentTurn(environment.name, execution, fence);
  await loadBalancing.deleteRules(foundation.listenerArn, (led) => new Set(led).size < 2);
  const state = depth === 'cluster' ? 'absent' : 'asleep';
  // ECS deletes 50 services at once and five a second after that: a minute is not enough for hundreds, a retry goes on.
  // Only what this teardown took down is done: what is called down since another night may have been left half up.
  const left = (await ledger.services(environment.name)).filter((record) => record.state !== state || record.downBy !== execution);
  for (const record of left) {
    if (depth === 'cluster') await ecs.delete(cluster, record.service);
    else await ecs.update({ cluster, service: record.service, desiredCount: 0 });
    await ledger.putService({ ...record, state, downBy: execution });
  }
  // A pair's rule says which of the two serves: what stays at zero, or was left half down, comes back to that one.
  if (depth === 'cluster') for (const listener of listenersOf(foundation)) await loadBalancing.deleteRules(listener, () => true);
  return { depth };
}

async function complete(
  { turns, journal, workflows, wakeMachine, ledger }: World,
  environment: Environment,
  execution: string,
  outcome: z.infer<typeof outcomeSchema>,
  { now }: Moment,
): Promise<object> {
  const about = { environment: environment.name };
  const down = outcome.outcome === 'succeeded';
  const services = (await ledger.services(environment.name)).filter(({ state }) => state !== 'running').length;
  const text = down ? `${environment.name} is down: ${services} services` : `${environment.name} did not come down: ${outcome.reason}`;
  await journal.write(entry(execution, 'ended', now(), down ? 'info' : 'bad', text, about));
  // Half of it may be gone: a wake makes it whole, the next teardown takes down the rest.
  await turns.endEnvironment(environment, execution, 'down', now());
  // Whoever came during the teardown waits for the morning, or wakes it again, as anybody who comes now would.
  const { onDemand } = environment;
  if (onDemand && (onDemand.outside === 'wake' || isOpen(onDemand.hours, now())) && (await turns.hasParked(environment)))
    await workflows.start(wakeMachine, await turns.wakeName(environment), { environment: environment.name, cause: 'need' });
  return {};
}

export const handler = step('teardown-environment', Input, () => {
  const pipeline = readPipeline();
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  const workflows = new StepFunctions();
  return teardownEnvironment({
    pipeline,
    parameters: new Parameters(),
    ledger,
    journal: new Journal(setting('JOURNAL_TABLE')),
    turns: new Turns(ledger.table, workflows),
    workflows,
    wakeMachine: setting('WAKE_MACHINE_ARN'),
    clients: environmentClients(pipeline, 'teardown-environment'),
  });
});
