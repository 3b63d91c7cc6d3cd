/** One climb into test, beside a release that runs there already, to be repeated with something planted. */
import type { ObservedCall } from '../../local/core/faults.ts';
import { LocalPipeline } from '../../rehearsal/local-pipeline.ts';
import { simulationConfig } from './history.ts';
import { InvariantWatch } from './invariants.ts';

const MINUTE = 60_000;
/** Monday, 08:00 in Berlin. */
const MONDAY = Date.parse('2026-11-23T07:00:00Z');

/** Where everything stands at the end, in words that do not depend on ids. */
export interface Standing {
  readonly first: string;
  readonly second: string;
  /** Who asks at beta. */
  readonly gate: string;
  /** What test runs, as the ledger says. */
  readonly test: string;
}

export interface ReleaseRun {
  readonly standing: Standing;
  /** Why the second release ended, if it did. */
  readonly reason: string;
  readonly violations: readonly string[];
  readonly story: readonly string[];
  /** The calls that the pipeline's own functions made while the second release moved. */
  readonly calls: readonly ObservedCall[];
}

export interface Circumstances {
  readonly assembly: string;
  /** Labels of the second image. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Nothing runs anywhere: the climb is the first there ever was, and wakes test. @default false */
  readonly first?: boolean;
  /** When the first release runs in test and the second is about to be pushed. @param first its digest, if there is one */
  readonly plant?: (local: LocalPipeline, first: string) => void;
  /** When the second asks at beta, or has ended. */
  readonly meanwhile?: (local: LocalPipeline, second: string) => Promise<void>;
}

/** Calls that a sweep of faults can name: those of Lambdas, without the sweeps, which come by the clock and not by the climb. */
export const isOfTheRun = ({ invocation, caller }: ObservedCall | Omit<ObservedCall, 'time'>) =>
  invocation !== undefined && !caller.endsWith('-sweep');

/** A first release wakes test and runs there. Then a second is pushed, climbs into test and asks at beta, until its question expires. */
export async function runRelease({ assembly, labels = {}, first: isFirst = false, plant, meanwhile }: Circumstances): Promise<ReleaseRun> {
  const local = await LocalPipeline.open({ config: simulationConfig, start: MONDAY, seed: 1, assembly, port: false });
  local.site.service('lambda').idle = 120 * MINUTE;
  try {
    const witness = new InvariantWatch(local);
    const { books } = witness;
    const first = isFirst ? undefined : await push(local, witness, 1);
    const { faults } = local.world;
    faults.record();
    plant?.(local, first ?? '');
    const second = await push(local, witness, 2, labels);
    const calls = faults.calls.filter(isOfTheRun);
    await meanwhile?.(local, second);
    const stateOf = (digest: string | undefined) => books.releases('door').find((one) => one.digest === digest)?.state ?? 'never came';
    const gate = books.gate('beta', 'door');
    const standing: Standing = {
      first: stateOf(first),
      second: stateOf(second),
      gate: gate?.state === 'waiting' ? gate.release.tag : 'nobody',
      test: books.running('test').find(({ repository }) => repository === 'door')?.tag ?? 'nothing',
    };
    await local.advance(100 * MINUTE);
    witness.atRest();
    const reason = books.releases('door').find((one) => one.digest === second)?.reason ?? '';
    return { standing, reason, violations: witness.violations, story: witness.story, calls };
  } finally {
    await local.close();
  }
}

async function push(
  local: LocalPipeline,
  witness: InvariantWatch,
  number: number,
  labels: Readonly<Record<string, string>> = {},
): Promise<string> {
  const digest = await local.push({
    repository: 'door',
    tag: `build-${number}`,
    message: `change ${number}`,
    author: 'developer@example.com',
    labels,
  });
  await asked(local, witness, digest);
  return digest;
}

/** Until it asks at beta, or has ended; a lost event may cost a sweep and a timeout. */
async function asked(local: LocalPipeline, { books }: InvariantWatch, digest: string): Promise<void> {
  const isThere = () => {
    const gate = books.gate('beta', 'door');
    const release = books.releases('door').find((one) => one.digest === digest);
    return (gate?.release.digest === digest && gate.state === 'waiting') || (release !== undefined && release.state !== 'in-progress');
  };
  const end = local.clock.now() + 100 * MINUTE;
  while (!isThere() && local.clock.now() < end) await local.clock.run({ until: local.clock.now() + 15_000 });
}
