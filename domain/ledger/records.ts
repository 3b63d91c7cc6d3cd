/** What the ledger and the journal hold: the state of releases, environments, promotions, approvals and waits. Times are ISO 8601. */
import type { Release, ReleaseState } from '../release/release.ts';
import type { OutcomeKind } from '../workflow/outcome.ts';

export interface ReleaseRecord extends Release {
  readonly state: ReleaseState;
  readonly admittedAt: string;
  readonly endedAt?: string;
  /** Of its newest attempt. */
  readonly execution: string;
  readonly attempt: number;
  /** The stage that it is in or before. */
  readonly stage?: string;
  /** What it waits for, in words; absent while it moves. */
  readonly waitsFor?: string;
  readonly reason?: string;
  /** It goes in though an environment is frozen. */
  readonly hotfix?: ByHand;
}

/** Who ordered something out of turn, and why. */
export interface ByHand {
  readonly by: string;
  readonly reason: string;
}

/** Which release of a repository an environment runs: one line of its manifest. */
export interface RunningRecord extends Release {
  readonly environment: string;
  readonly promotion: string;
  readonly since: string;
  /** The last verification of this digest here passed. */
  readonly verified: boolean;
}

/** The ECS service of an environment as the pipeline left it. */
export interface ServiceRecord {
  readonly environment: string;
  readonly service: string;
  /** `running`; `asleep`: at zero; `absent`: not in ECS. */
  readonly state: 'running' | 'asleep' | 'absent';
  /** The teardown that took it down last: a retry of it goes on with the others. */
  readonly downBy?: string;
  /** The revision that it runs, or ran and shall run again. */
  readonly taskDefinition: string;
  readonly promotion: string;
  /** {@link route} of its rule at the load balancer, as it was when it was last looked after. */
  readonly route?: string;
}

export type PromotionState = 'waiting' | 'migrating' | 'deploying' | 'verifying' | 'rolling-back' | OutcomeKind;

/** Whether a promotion has come to one of its ends. */
export const isPromotionOver = ({ state }: Pick<PromotionRecord, 'state'>): boolean =>
  ['succeeded', 'superseded', 'refused', 'failed', 'errored'].includes(state);

export interface PromotionRecord {
  readonly promotion: string;
  readonly execution: string;
  readonly environment: string;
  readonly stage: string;
  readonly group: string;
  readonly release: Release;
  readonly releaseRun: string;
  /** The digest of the configuration that it used. */
  readonly pipeline: string;
  readonly state: PromotionState;
  readonly askedAt: string;
  readonly endedAt?: string;
  readonly reason?: string;
  readonly fence?: number;
  /** Registered revisions by service. */
  readonly taskDefinitions: Readonly<Record<string, string>>;
  /** Registered revisions of migrations by database, such as `live/orders`. */
  readonly migrations?: Readonly<Record<string, string>>;
  /** What each service ran before; null where it did not exist. Written before anything changes. */
  readonly before?: Readonly<Record<string, string | null>>;
  /** Services whose rule at the load balancer is not as the configuration wants it. */
  readonly reroute?: readonly string[];
  /** A failed rollback: nobody but a person may go on. */
  readonly manualIntervention?: boolean;
  /** Ordered by a person beside the path: it may bring an older release, and asks no gate. */
  readonly ordered?: Ordered;
}

export interface Ordered extends ByHand {
  readonly verb: 'rollback' | 'restart';
}

/** A deployment that somebody waits for: at most one for a service in an environment, as the turn is exclusive. */
export interface WaitRecord {
  readonly environment: string;
  readonly service: string;
  /** The promotion or wake that waits. */
  readonly owner: string;
  /** `shift`: a deployment that may go on after its pause; `stop`: a rollback that stops a deployment; `put-back`: one that deploys what ran before. */
  readonly kind: 'deploy' | 'shift' | 'stop' | 'put-back' | 'restore';
  /** Answered when all services in `among` are done. */
  readonly token: string;
  readonly among: readonly string[];
  readonly taskDefinition: string;
  /** Deployments created before this are not ours. Milliseconds since the epoch. */
  readonly since: number;
  /** ECS has answered the request for it. */
  readonly asked?: boolean;
  /** `late`: the deployment had completed before it could be stopped, so it has to be put back. */
  readonly state: 'open' | 'paused' | 'succeeded' | 'failed' | 'late';
  /** Why it failed, in words. */
  readonly reason?: string;
  /** Traffic shifts: ECS pauses before it does. */
  readonly pauses?: boolean;
  /** Where it pauses. */
  readonly hook?: PausedHook;
  /** Since when, as its event says; absent where that was lost. Milliseconds since the epoch. */
  readonly pausedAt?: number;
  /** Tasks of the new revision that failed, by ARN; where ECS has no circuit breaker, we count. */
  readonly failures?: readonly string[];
  /** Their number, which each change of theirs checks; absent before the first. */
  readonly failed?: number;
}

/** What ContinueServiceDeployment asks for. */
export interface PausedHook {
  readonly hookId: string;
  /** ARN of the service deployment. */
  readonly deployment: string;
}

export type ApprovalState = 'waiting' | 'approved' | 'rejected' | 'expired' | 'superseded' | 'withdrawn';

/** A gate's question to people: one open for a stage and repository. */
export interface ApprovalRecord {
  /** `<stage>/<repository>/<12 of digest>/<attempt>` */
  readonly approval: string;
  readonly stage: string;
  readonly release: Release;
  readonly releaseRun: string;
  readonly token: string;
  readonly state: ApprovalState;
  readonly askedAt: string;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly approvals: readonly { readonly by: string; readonly at: string }[];
  /** The token of the one that it superseded: told again by a retry, lest a crash kept it from hearing. */
  readonly superseded?: string;
  readonly reason?: string;
  readonly version: number;
}

export interface FreezeRecord {
  readonly environment: string;
  readonly by: string;
  readonly at: string;
  readonly reason: string;
  /** A rollback failed here. */
  readonly manualIntervention: boolean;
  /** ISO 8601; absent: until somebody thaws it. */
  readonly until?: string;
}

/** Keeps an environment on what it runs: of one repository, or of all. */
export interface PinRecord {
  readonly environment: string;
  /** `*` is all. */
  readonly repository: string;
  /** The one release that may still go in; absent: none. */
  readonly digest?: string;
  readonly by: string;
  readonly at: string;
  readonly reason: string;
}

/** What keeps releases out of an environment. */
export interface FreezeAndPins {
  readonly freeze?: FreezeRecord;
  readonly pins: readonly PinRecord[];
}

/** An environment that stays up beyond its hours. */
export interface ExtensionRecord {
  readonly environment: string;
  /** ISO 8601 */
  readonly until: string;
  readonly by: string;
}

/** One line of the journal: who did what, when and why. */
export interface JournalEntry {
  /** What it is about: a release's execution, a promotion, an environment. With `event` the key: said twice, it is there once. */
  readonly subject: string;
  readonly event: string;
  readonly at: string;
  /** An e-mail address, or `shiplock`. */
  readonly who: string;
  readonly tone: 'info' | 'good' | 'bad' | 'waiting';
  /** One line for people. */
  readonly text: string;
  readonly repository?: string;
  readonly tag?: string;
  readonly digest?: string;
  readonly environment?: string;
  readonly stage?: string;
}
