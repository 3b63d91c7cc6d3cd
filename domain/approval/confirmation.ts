/** The question whether traffic may shift: kept in the same records as approvals, under a stage that no path can name. */

const SUFFIX = ':confirm';

/** The gate at which a person confirms. */
export const confirmStage = (environment: string) => `${environment}${SUFFIX}`;

/** A gate as people call it: `live`, or `the shift of traffic in live`. */
export const gateName = (stage: string): string =>
  stage.endsWith(SUFFIX) ? `the shift of traffic in ${confirmedEnvironment(stage)}` : stage;

/** The environment of such a gate; undefined for a stage. */
export const confirmedEnvironment = (stage: string): string | undefined =>
  stage.endsWith(SUFFIX) ? stage.slice(0, -SUFFIX.length) : undefined;
