/** The errors that workflows tell apart: each `name` is what a state machine catches, each text says what to do. */

import { type Problem, problemText } from '../text/problem.ts';

/** A rule said no before anything changed. */
export class ReleaseRefused extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'ReleaseRefused';
  }
}

/** A release may not enter an environment, for a reason that may pass: a freeze, a missing image, a lost approval. */
export class PromotionRefused extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'PromotionRefused';
  }
}

/** A newer release takes its place. */
export class Superseded extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Superseded';
  }
}

/** A person said no at a gate. */
export class Rejected extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Rejected';
  }
}

/** RegisterTaskDefinition's bucket is empty; the message is JSON with `notBefore`, as the state machine waits for that instant. */
export class RegistrationPaced extends Error {
  /** @param notBefore milliseconds since the epoch */
  constructor(notBefore: number) {
    super(JSON.stringify({ notBefore: new Date(notBefore).toISOString() }));
    this.name = 'RegistrationPaced';
  }
}

/** The release brings migrations that have not run on a database of this environment; the message is JSON with `seconds`, which they may take. */
export class MigrationDue extends Error {
  /** @param seconds until it is given up */
  constructor(seconds: number) {
    super(JSON.stringify({ seconds }));
    this.name = 'MigrationDue';
  }
}

/** The checks passed, and a build has to pass too; the message is JSON with its `project`. */
export class BuildDue extends Error {
  constructor(project: string) {
    super(JSON.stringify({ project }));
    this.name = 'BuildDue';
  }
}

/** A migration did not come to a good end: no service has changed. */
export class MigrationFailed extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'MigrationFailed';
  }
}

/** Another release's migration of the same database is over: whoever waited for that begins its own. */
export class DatabaseFree extends Error {
  constructor(database: string) {
    super(`${database} is free`);
    this.name = 'DatabaseFree';
  }
}

/** ECS gave a deployment up, or it did not end in time. */
export class DeploymentFailed extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'DeploymentFailed';
  }
}

/** A check of a promotion failed. */
export class VerificationFailed extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'VerificationFailed';
  }
}

/** What ran before could not be put back: a person has to intervene. */
export class RollbackFailed extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'RollbackFailed';
  }
}

/** A rollback wanted to stop a deployment that had just completed: what ran before has to be deployed again. */
export class StoppedTooLate extends Error {
  constructor(service: string) {
    super(`${service} had completed before it could be stopped`);
    this.name = 'StoppedTooLate';
  }
}

/** The turn is somebody else's by now: whoever still acts was too slow, and must not act. */
export class TurnLost extends Error {
  constructor(environment: string, ticket: string) {
    super(`${ticket} does not hold its turn in ${environment} any more`);
    this.name = 'TurnLost';
  }
}

/** There is nothing to take down. */
export class EnvironmentAsleep extends Error {
  constructor(environment: string) {
    super(`${environment} is down already`);
    this.name = 'EnvironmentAsleep';
  }
}

/** Services or tasks are still draining; try again. */
export class ClusterBusy extends Error {
  constructor(environment: string) {
    super(`the cluster of ${environment} still drains`);
    this.name = 'ClusterBusy';
  }
}

/** A service of the same name was deleted a moment ago, by a rollback or by hand, and its tasks still end. */
export class ServiceDraining extends Error {
  constructor(service: string) {
    super(`${service} was deleted a moment ago and its tasks still end`);
    this.name = 'ServiceDraining';
  }
}

/** A template and a release do not make a task definition that may run: all that is wrong, at once. */
export class RenderError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(problemText).join('\n'));
    this.name = 'RenderError';
    this.problems = problems;
  }
}

/** Every deployment has succeeded or pauses before its traffic shifts: it is tested now. Not a failure; the workflow takes another branch. */
export class TrafficPaused extends Error {
  constructor() {
    super('waits at the test listener');
    this.name = 'TrafficPaused';
  }
}
