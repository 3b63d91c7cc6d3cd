/** An environment that is up out of its hours stays up for two idle hours. Then the sweep tears it down, as if somebody had extended it that long. */
import type { Ledger } from '../../aws/ledger.ts';
import { isOpen } from '../../domain/environment/hours.ts';
import type { Environment } from '../../domain/pipeline/pipeline.ts';

/** Milliseconds after which nobody is expected to come. */
const IDLE = 2 * 3_600_000;

const OWN = 'shiplock';

type World = Pick<Ledger, 'extension' | 'putExtension'>;

/** For an environment that has been woken. @param now milliseconds since the epoch */
export async function scheduleIdleTeardown(ledger: World, environment: Environment, now: number): Promise<void> {
  if (isOutOfHours(environment, now)) await stay(ledger, environment, await ledger.extension(environment.name), now);
}

/** For an environment to which somebody has deployed. An extension by a person stays as it is. @param now milliseconds since the epoch */
export async function postponeIdleTeardown(ledger: World, environment: Environment, now: number): Promise<void> {
  if (!isOutOfHours(environment, now)) return;
  const before = await ledger.extension(environment.name);
  if (before?.by === OWN) await stay(ledger, environment, before, now);
}

const isOutOfHours = ({ onDemand }: Environment, now: number) => onDemand !== undefined && !isOpen(onDemand.hours, now);

async function stay(ledger: World, { name }: Environment, before: Awaited<ReturnType<World['extension']>>, now: number): Promise<void> {
  if (before && Date.parse(before.until) >= now + IDLE) return;
  await ledger.putExtension({ environment: name, until: new Date(now + IDLE).toISOString(), by: OWN });
}
