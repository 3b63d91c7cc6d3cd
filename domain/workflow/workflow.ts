/** What the steps of the four workflows take and give. Each step's input is a `Pick` of its workflow's type. */
import type { ByHand, Ordered } from '../ledger/records.ts';
import type { Foundation } from '../pipeline/pipeline.ts';
import type { Release } from '../release/release.ts';
import type { Outcome } from './outcome.ts';

/** What starts a release: canonical, so that a duplicate event starts nothing. */
export interface ReleaseStart {
  readonly repository: string;
  readonly digest: string;
  readonly attempt: number;
  /** Where it enters the path and where it ends; null is the whole path. */
  readonly stages: readonly string[] | null;
  readonly cause: 'push' | 'sweep' | 'person';
  /** Ordered by a person, past a freeze. */
  readonly hotfix?: ByHand;
  /** What a set consists of, and where it comes from. */
  readonly set?: ReleaseSet;
}

/** The manifest of an environment, or a part of it, on its way to another. */
export interface ReleaseSet {
  readonly from: string;
  readonly members: readonly Release[];
  /** When it was put together: how sets compare. ISO 8601. */
  readonly at: string;
}

/** A stage of the path, as the release workflow walks it. */
export interface StagePlan {
  readonly stage: string;
  readonly environments: readonly { readonly environment: string; readonly turnSeconds: number }[];
  readonly approval: boolean;
  /** How long the gate stays open. */
  readonly approvalSeconds: number;
}

/** Everything the release workflow knows; its steps take their part of it. */
export interface ReleaseWorkflow extends ReleaseStart {
  /** The execution's name. */
  readonly execution: string;
  readonly release: Release;
  readonly plan: readonly StagePlan[];
  readonly stage: string;
  readonly token: string;
  readonly outcome: Outcome;
}

/** What starts a promotion: moving a release into one environment. */
export interface PromotionStart {
  readonly release: Release;
  readonly environment: string;
  readonly stage: string;
  /** The release's execution. */
  readonly releaseRun: string;
  /** How long it waits for its turn, or for the morning. */
  readonly turnSeconds: number;
  /** Ordered by a person, beside the path. */
  readonly ordered?: Ordered;
}

/** Where a promotion deploys, as its registration has found it. */
export interface Place {
  readonly services: readonly string[];
  readonly foundation: Foundation;
  /** ARNs by service. */
  readonly targetGroups: Readonly<Record<string, string>>;
  readonly alternates: Readonly<Record<string, string>>;
}

/** Everything the promotion workflow knows. */
export interface PromotionWorkflow extends PromotionStart {
  /** The execution's name: the promotion's id, and its ticket's. */
  readonly promotion: string;
  readonly execution: string;
  /** Of the turn that was granted. */
  readonly fence: number;
  readonly token: string;
  /** What a deployment needs of the environment, and which services it deploys. */
  readonly place: Place;
  /** Whether this is the backstop's check, after a wait that no event ended. */
  readonly confirm: boolean;
  readonly outcome: Outcome;
}

/** What starts a wake or a teardown. */
export interface EnvironmentStart {
  readonly environment: string;
  readonly cause: 'need' | 'morning' | 'hours' | 'person';
}

export interface EnvironmentWorkflow extends EnvironmentStart {
  readonly execution: string;
  readonly token: string;
  readonly fence: number;
  readonly group: string;
  readonly outcome: Outcome;
}
