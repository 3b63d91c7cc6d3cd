/** Runs of a release with faults planted at its calls, compared with the same run undisturbed. */
import type { CallFaultKind, ObservedCall } from '../../local/core/faults.ts';
import { type Circumstances, isOfTheRun, type ReleaseRun, runRelease } from './release-run.ts';

export const kinds: readonly CallFaultKind[] = ['throttle', 'error-500', 'timeout-before', 'timeout-after', 'kill-before', 'kill-after'];

/** The runs into which faults are planted. */
export const runs: readonly { readonly what: string; readonly circumstances: Omit<Circumstances, 'assembly'> }[] = [
  { what: 'a good release', circumstances: {} },
  { what: 'a release that is rolled back', circumstances: { labels: { 'local.aws.responses': '{"/smoke":500}' } } },
  { what: 'the first release, which wakes the environment', circumstances: { first: true } },
];

export interface Planted {
  readonly kind: CallFaultKind;
  /** Counted from 1 over the calls of the run, those of a retry included. */
  readonly nth: number;
}

/** One run, and how it ends undisturbed. */
export class FaultyRun {
  readonly undisturbed: ReleaseRun;
  private readonly assembly: string;
  private readonly circumstances: Omit<Circumstances, 'assembly'>;

  private constructor(assembly: string, circumstances: Omit<Circumstances, 'assembly'>, undisturbed: ReleaseRun) {
    this.assembly = assembly;
    this.circumstances = circumstances;
    this.undisturbed = undisturbed;
  }

  static async of(assembly: string, circumstances: Omit<Circumstances, 'assembly'>): Promise<FaultyRun> {
    return new FaultyRun(assembly, circumstances, await runRelease({ assembly, ...circumstances }));
  }

  /** Every single fault there is: each kind at each call. */
  get singles(): Planted[] {
    return this.undisturbed.calls.flatMap((_, index) => kinds.map((kind) => ({ kind, nth: index + 1 })));
  }

  /** @returns what is otherwise than without these faults; undefined if nothing is */
  async differs(faults: readonly Planted[]): Promise<string | undefined> {
    const { standing, violations, reason } = await runRelease({
      assembly: this.assembly,
      ...this.circumstances,
      plant: ({ world }) => {
        for (const fault of faults) world.faults.add({ ...fault, match: isOfTheRun });
      },
    });
    if (JSON.stringify(standing) === JSON.stringify(this.undisturbed.standing) && violations.length === 0) return undefined;
    const where = faults.map((fault) => this.place(fault));
    return `${where.join('; then ')}: ${JSON.stringify(standing)} ${reason} ${violations.join('; ')}`;
  }

  private place({ kind, nth }: Planted): string {
    const call: ObservedCall | undefined = this.undisturbed.calls[nth - 1];
    return `${kind} at call ${nth}${call ? `, ${call.caller} ${call.service}:${call.operation}` : ''}`;
  }
}
