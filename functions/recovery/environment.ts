/** Recovers an ended wake or teardown: the state of the environment, and whoever waits for it. */

import { environmentOf } from '../environment/clients.ts';
import { entry } from '../journal/entries.ts';
import type { RecoveryWorld } from './context.ts';
import type { End } from './end.ts';

/** An environment whose wake has ended without a word is down again; whoever waits is told. */
export async function recoverWake(
  { pipeline, ledger, turns, journal }: RecoveryWorld,
  environment: string,
  execution: string,
  end: End,
  now: number,
): Promise<void> {
  const place = environmentOf(pipeline, environment);
  if ((await turns.wakeAwaited(place)) !== execution) return;
  for (const wait of await ledger.waits(environment)) if (wait.owner === execution) await ledger.dropWait(wait);
  const reason = `its wake ended as ${end.status}`;
  await journal.write(entry(execution, 'not-woken', now, 'bad', `${environment} could not be woken: ${reason}`, { environment }));
  await turns.wakeFailed(place, execution, reason, now);
}

/** Gives an environment back whose teardown has ended without a word: half of it may be gone, so it counts as down; a wake makes it whole, the next teardown takes down the rest. */
export async function recoverTeardown(
  { pipeline, turns, journal }: RecoveryWorld,
  environment: string,
  execution: string,
  end: End,
  now: number,
): Promise<void> {
  const text = `${environment}: its teardown ended as ${end.status}; what is left of it costs until the next one`;
  await journal.write(entry(execution, 'ended', now, 'bad', text, { environment }));
  await turns.endEnvironment(environmentOf(pipeline, environment), execution, 'down', now);
}

/** Whether an environment waits for this execution to wake it. */
export const isWaking = async ({ pipeline, turns }: RecoveryWorld, environment: string, execution: string): Promise<boolean> =>
  (await turns.wakeAwaited(environmentOf(pipeline, environment))) === execution;

/** Whether an execution holds an environment's turn, or waits for it. */
export const isInTurn = async ({ pipeline, turns }: RecoveryWorld, environment: string, execution: string): Promise<boolean> =>
  (await turns.tickets(environmentOf(pipeline, environment))).some(({ id }) => id === execution);
