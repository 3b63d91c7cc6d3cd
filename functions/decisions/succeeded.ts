/** Which releases have succeeded in an environment, by its past promotions. */
import { membersOf, type Release } from '../../domain/release/release.ts';
import type { World } from './context.ts';

/** How many promotions back a release may lie that succeeded before. */
const LOOK_BACK = 200;

/** The first of these releases that has succeeded in none of the environments. */
export async function notSucceeded<Image extends Pick<Release, 'repository' | 'digest'>>(
  { ledger }: World,
  environments: readonly string[],
  releases: readonly Image[],
): Promise<Image | undefined> {
  const held = (await Promise.all(environments.map((environment) => releasesThatSucceeded(ledger, environment)))).flat();
  return releases.find((one) => !held.some(({ repository, digest }) => repository === one.repository && digest === one.digest));
}

/** Newest promotion first. */
export const releasesThatSucceeded = async (ledger: World['ledger'], environment: string): Promise<Release[]> =>
  (await ledger.promotions(environment, LOOK_BACK))
    .filter(({ state }) => state === 'succeeded')
    .flatMap(({ release }) => membersOf(release));
