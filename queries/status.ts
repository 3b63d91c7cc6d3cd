/** What `status` shows, as a value: what runs where, what waits for whom, what failed and why. */

import { isFrozen } from '../domain/environment/freeze-and-pin.ts';
import type { FreezeRecord, PinRecord, ReleaseRecord, RunningRecord } from '../domain/ledger/records.ts';
import { type MigrationView, migrationsInProgress } from './migrations.ts';
import { type PromotionInProgress, promotionsInProgress } from './promotions.ts';
import type { Readers } from './readers.ts';

export interface Status {
  readonly pipeline: string;
  /** ISO 8601, in the pipeline's time. */
  readonly at: string;
  readonly environments: readonly EnvironmentView[];
  readonly services: readonly ServiceRow[];
  readonly inProgress: readonly ReleaseInProgress[];
  /** Promotions that have not ended, with how far their rollouts are. */
  readonly promotions: readonly PromotionInProgress[];
  readonly migrations: readonly MigrationView[];
  readonly failed: readonly ReleaseRecord[];
}

export interface EnvironmentView {
  readonly name: string;
  readonly state: 'up' | 'waking' | 'down' | 'tearing-down';
  readonly frozen: FreezeRecord | null;
  readonly pins: readonly PinRecord[];
  /** It stays up beyond its hours. ISO 8601 */
  readonly until: string | null;
  readonly manifest: readonly RunningRecord[];
}

export interface ServiceRow {
  readonly service: string;
  /** What it runs, by environment: one for each of its repositories. */
  readonly runs: Readonly<Record<string, readonly RunningRecord[]>>;
  /** Its environments run different releases. */
  readonly differs: boolean;
}

export type ReleaseInProgress = ReleaseRecord & { readonly since: string };

/** At most so many that failed are told of. */
const FAILED = 5;

export async function statusOf(readers: Readers): Promise<Status> {
  const { pipeline, ledger, turns } = readers;
  const now = readers.now();
  const environments = await Promise.all(
    Object.values(pipeline.environments).map(async (environment): Promise<EnvironmentView> => {
      const { name } = environment;
      const [manifest, holds, state, extension] = await Promise.all([
        ledger.manifest(name),
        ledger.freezeAndPins(name),
        turns.state(environment),
        ledger.extension(name),
      ]);
      const until = extension && Date.parse(extension.until) > now ? extension.until : null;
      return { name, state, frozen: isFrozen(holds.freeze, now) ? holds.freeze : null, pins: holds.pins, until, manifest };
    }),
  );
  const [inProgress, gates, recent, promotions] = await Promise.all([
    ledger.inProgress(),
    ledger.openGates(),
    ledger.releases(50),
    promotionsInProgress(readers),
  ]);
  const asked = new Map(gates.map(({ releaseRun, askedAt }) => [releaseRun, askedAt]));
  return {
    pipeline: pipeline.name,
    at: new Date(now).toISOString(),
    environments,
    services: Object.values(pipeline.services).map((service) => serviceRow(service, environments)),
    inProgress: inProgress
      .map((release) => ({ ...release, since: asked.get(release.execution) ?? release.admittedAt }))
      .toSorted((a, b) => (a.since < b.since ? -1 : 1)),
    promotions,
    migrations: await migrationsInProgress(readers, promotions, gates),
    failed: recent.filter((release) => UNSUCCESSFUL.has(release.state) && !isSucceededSince(release, recent)).slice(0, FAILED),
  };
}

const UNSUCCESSFUL: ReadonlySet<string> = new Set(['failed', 'errored', 'refused']);

/** A newer release of the repository has made it since. */
const isSucceededSince = ({ repository, admittedAt }: ReleaseRecord, recent: readonly ReleaseRecord[]) =>
  recent.some((other) => other.repository === repository && other.state === 'succeeded' && other.admittedAt > admittedAt);

function serviceRow(
  { name, containers }: { name: string; containers: Readers['pipeline']['services'][string]['containers'] },
  environments: readonly EnvironmentView[],
): ServiceRow {
  const repositories = [...new Set(Object.values(containers).flatMap((one) => ('repository' in one ? one.repository : [])))];
  const runs = Object.fromEntries(
    environments.map(({ name: environment, manifest }) => [
      environment,
      repositories.flatMap((repository) => manifest.find((record) => record.repository === repository) ?? []),
    ]),
  );
  const kinds = new Set(Object.values(runs).map((records) => records.map(({ digest }) => digest).join()));
  return { service: name, runs, differs: kinds.size > 1 };
}
