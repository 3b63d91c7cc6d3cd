/** Freezing and thawing an environment, pinning what it runs. */
import { frozenText, isFrozen } from '../../domain/environment/freeze-and-pin.ts';
import { entry } from '../journal/entries.ts';
import { type Caller, type Of, refused, type Said, type World } from './context.ts';

export async function freeze(
  { ledger, journal }: World,
  { environment, reason, until }: Of<'freeze'>,
  { person, now }: Caller,
): Promise<Said> {
  const before = await ledger.freeze(environment);
  if (isFrozen(before, now)) return refused(frozenText(before));
  if (until !== undefined && Date.parse(until) <= now) return refused(`${until} is over already; give a time to come`);
  const at = new Date(now).toISOString();
  const end = until === undefined ? {} : { until: new Date(until).toISOString() };
  await ledger.putFreeze({ environment, by: person.email, at, reason, manualIntervention: false, ...end });
  const text = `${environment} frozen${end.until ? ` until ${end.until}` : ''}: ${reason}`;
  await journal.write(entry(`environment/${environment}`, `frozen/${now}`, now, 'waiting', text, { environment }, person.email));
  return { done: text };
}

export async function thaw({ ledger, journal }: World, { environment }: Of<'thaw'>, { person, now }: Caller): Promise<Said> {
  const before = await ledger.freeze(environment);
  if (!isFrozen(before, now)) return refused(`${environment} is not frozen`);
  await ledger.dropFreeze(environment);
  const text = `${environment} thawed`;
  await journal.write(entry(`environment/${environment}`, `thawed/${before.at}`, now, 'info', text, { environment }, person.email));
  return { done: text };
}

export async function pin(
  { ledger, journal }: World,
  { environment, repository = '*', reason }: Of<'pin'>,
  { person, now }: Caller,
): Promise<Said> {
  const running = repository === '*' ? undefined : await ledger.running(environment, repository);
  const at = new Date(now).toISOString();
  await ledger.putPin({ environment, repository, ...(running ? { digest: running.digest } : {}), by: person.email, at, reason });
  const text = `${what(environment, repository)} pinned${running ? ` to ${running.tag}` : ''}: ${reason}`;
  await journal.write(
    entry(`environment/${environment}`, `pinned/${repository}/${now}`, now, 'waiting', text, { environment }, person.email),
  );
  return { done: text };
}

export async function unpin(
  { ledger, journal }: World,
  { environment, repository = '*' }: Of<'unpin'>,
  { person, now }: Caller,
): Promise<Said> {
  const { pins } = await ledger.freezeAndPins(environment);
  const own = pins.find((one) => one.repository === repository);
  if (own === undefined) {
    const others = pins.map((one) => what(environment, one.repository)).join(', ');
    return refused(`${what(environment, repository)} is not pinned${others ? `; ${others} is` : ''}`);
  }
  await ledger.dropPin(environment, repository);
  const text = `${what(environment, repository)} unpinned`;
  await journal.write(
    entry(`environment/${environment}`, `unpinned/${repository}/${own.at}`, now, 'info', text, { environment }, person.email),
  );
  return { done: text };
}

const what = (environment: string, repository: string) => (repository === '*' ? environment : `${repository} in ${environment}`);
