/** Waking, tearing down and extending an on-demand environment by hand. */
import { entry } from '../journal/entries.ts';
import { type Caller, type Of, refused, type Said, type World } from './context.ts';

export async function wake(
  { pipeline, turns, workflows, machines, journal }: World,
  { environment: name }: Of<'wake'>,
  caller: Caller,
): Promise<Said> {
  const { person, now } = caller;
  const environment = pipeline.environments[name]!;
  if (environment.onDemand === undefined) return refused(`${name} is always up`);
  const state = await turns.state(environment);
  if (state !== 'down') return refused(state === 'up' ? `${name} is up already` : `${name} is ${state}; wait for it`);
  const execution = await turns.wakeName(environment);
  await workflows.start(machines.wake, execution, { environment: name, cause: 'person' });
  const text = `${name} wakes`;
  await journal.write(entry(execution, 'ordered', now, 'info', text, { environment: name }, person.email));
  return { done: text, execution };
}

export async function teardown(world: World, { environment: name }: Of<'teardown'>, { person, now }: Caller): Promise<Said> {
  const { pipeline, workflows, machines, journal, ledger } = world;
  if (pipeline.environments[name]?.onDemand === undefined)
    return refused(`${name} always exists; only an on-demand environment is torn down`);
  await ledger.dropExtension(name);
  const execution = `${name}-teardown-at${Math.floor(now / 1000).toString(36)}`;
  await workflows.start(machines.teardown, execution, { environment: name, cause: 'person' });
  const text = `${name} is torn down as soon as no promotion is in progress there`;
  await journal.write(entry(execution, 'ordered', now, 'info', text, { environment: name }, person.email));
  return { done: text, execution };
}

/** Keeps an environment up beyond its hours: the scheduled teardown skips it, and the sweep tears it down when the time has come. */
export async function extend(
  { pipeline, ledger, journal }: World,
  { environment: name, until }: Of<'extend'>,
  caller: Caller,
): Promise<Said> {
  const { person, now } = caller;
  if (pipeline.environments[name]?.onDemand === undefined) return refused(`${name} always exists; there is nothing to extend`);
  const end = Date.parse(until);
  if (end <= now) return refused(`${until} is over already; give a time to come`);
  if (end > now + LONGEST) return refused(`${until} is more than a week away; an on-demand environment that never sleeps saves nothing`);
  const at = new Date(end).toISOString();
  await ledger.putExtension({ environment: name, until: at, by: person.email });
  const text = `${name} stays up until ${at}`;
  await journal.write(entry(`environment/${name}`, `extended/${now}`, now, 'info', text, { environment: name }, person.email));
  return { done: text };
}

const LONGEST = 7 * 24 * 3_600_000;
