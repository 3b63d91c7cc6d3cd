/** Which checks a promotion has to pass, by its environment and its services. */
import type { HttpCheck, Verification } from '../pipeline/pipeline.ts';

/** The HTTP checks of a promotion: those of its services, and those that name no service. */
export const httpChecksOf = ({ http }: Verification, services: readonly string[]): readonly HttpCheck[] =>
  http.filter(({ service }) => service === undefined || services.includes(service));

/** Whether anything is checked after these services were deployed: over HTTP, or by a build. */
export const isChecked = (verification: Verification, services: readonly string[]): boolean =>
  verification.build !== undefined || httpChecksOf(verification, services).length > 0;
