/** Restarts what an environment runs: the same releases, new tasks. */

import type { Ordered } from '../../domain/ledger/records.ts';
import { bareRelease } from '../../domain/release/release.ts';
import { entry } from '../journal/entries.ts';
import { type Caller, type Of, refused, type Said, type World } from './context.ts';
import { order } from './order.ts';

/** The same releases, new tasks: of one service's group, or of everything. */
export async function restart(world: World, { environment: name, service, reason }: Of<'restart'>, caller: Caller): Promise<Said> {
  const { pipeline, ledger, journal } = world;
  const { person, now } = caller;
  const environment = pipeline.environments[name]!;
  if (service !== undefined && !Object.hasOwn(pipeline.services, service))
    return refused(`no service ${service}; there are ${Object.keys(pipeline.services).join(', ')}`);
  const manifest = await ledger.manifest(name);
  const groups = service === undefined ? Object.keys(pipeline.groups) : [pipeline.services[service]!.group];
  const releases = groups.flatMap((group) => {
    const first = manifest.find(({ repository }) => pipeline.groups[group]?.repositories.includes(repository));
    return first ? [first] : [];
  });
  if (releases.length === 0) return refused(`${service ?? 'nothing'} runs in ${name}`);
  const ordered: Ordered = { verb: 'restart', by: person.email, reason: reason ?? 'restarted' };
  const executions: string[] = [];
  for (const record of releases) executions.push(await order(world, environment, bareRelease(record), ordered, now));
  const text = `${service ?? name} restarts with what it runs${reason ? `: ${reason}` : ''}`;
  await journal.write(entry(executions[0]!, 'ordered', now, 'info', text, { environment: name }, person.email));
  return { done: text, execution: executions[0]! };
}
