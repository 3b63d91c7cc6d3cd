/** What a plan is made of. */
import type { ReleaseRecord } from '../../domain/ledger/records.ts';
import type { Release } from '../../domain/release/release.ts';
import type { Strategy } from '../../domain/rollout/strategy.ts';
import type { DiffLine } from '../../domain/text/diff.ts';

/** What somebody would order. */
export interface Order {
  /** A set has members. */
  readonly release: Release;
  readonly to: string;
  /** Where a set comes from. */
  readonly from?: string;
  readonly hotfix?: string;
}

export interface Plan {
  readonly release: Release;
  readonly to: string;
  readonly stage: string;
  /** Why it would be refused as it stands, in words; empty where it would go in, now or when what it waits for has come. */
  readonly refusals: readonly string[];
  /** What it would wait for before it enters the stage. */
  readonly waitsFor: readonly Wait[];
  /** All of the stage: its environments move together. */
  readonly environments: readonly EnvironmentPlan[];
}

export interface Wait {
  readonly what: 'approval' | 'turn' | 'hours' | 'wake' | 'migration' | 'pause';
  readonly text: string;
}

export interface EnvironmentPlan {
  readonly environment: string;
  readonly changes: readonly Change[];
  readonly waitsFor: readonly Wait[];
  readonly services: readonly ServicePlan[];
  readonly migrations: readonly MigrationPlan[];
  /** Of the configuration here, and of the one that the newest promotion into it used, where they differ. */
  readonly configuration?: { readonly here: string; readonly last: string };
}

/** From one release of a repository to another. */
export interface Change {
  readonly repository: string;
  readonly from: Release | null;
  readonly to: Release;
  /** `unknown`: the ledger has no order for one of them. */
  readonly direction: 'first' | 'same' | 'forward' | 'back' | 'unknown';
  /** Newest first: what comes in or, going back, what is taken out. */
  readonly commits: readonly Commit[];
}

export interface Commit {
  /** In the repository's order: 1 is the oldest that the ledger knows. */
  readonly number: number;
  readonly tag: string;
  readonly digest: string;
  readonly commit: string | null;
  readonly message: string | null;
  readonly author: string | null;
  readonly state: ReleaseRecord['state'];
}

export interface ServicePlan {
  readonly service: string;
  /** The revision that runs; null where there is none. */
  readonly runs: string | null;
  /** `ecs`: against the revision that runs; `rendered`: against what runs, rendered by the configuration here. */
  readonly against: 'ecs' | 'rendered';
  readonly diff: readonly DiffLine[];
  readonly strategy: Strategy;
  /** CloudWatch alarms that would bring it back. */
  readonly alarms: readonly string[];
  /** It would not be deployed: these repositories have no release there yet. */
  readonly missing?: readonly string[];
}

export interface MigrationPlan {
  /** `live/orders` */
  readonly database: string;
  readonly state: 'would run' | 'has run' | 'is busy';
  readonly by: string;
}
