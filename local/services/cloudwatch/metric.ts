/** Metrics: values by time, and what statistics say of them. */

/** What makes one metric. */
export interface MetricName {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** Values that were reported together. */
export interface Sample {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly sum: number;
  readonly count: number;
  readonly minimum: number;
  readonly maximum: number;
  /** Each value with how often it occurred; absent where only the sums were reported. */
  readonly values?: readonly (readonly [value: number, count: number])[];
  readonly unit?: string;
}

export const BASIC: ReadonlySet<string> = new Set(['Sum', 'Average', 'Minimum', 'Maximum', 'SampleCount']);

export const isStatistic = (statistic: string) => BASIC.has(statistic) || /^p(\d{1,2}(\.\d{1,10})?|100)$/.test(statistic);

/** The identity of a metric as text. */
export const metricKey = ({ namespace, name, dimensions }: MetricName) =>
  JSON.stringify([namespace, name, ...Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1))]);

/** Values of one metric over time. */
export interface Series {
  readonly name: MetricName;
  /** @returns undefined where nothing was reported from `start` until just before `end` */
  statistic(statistic: string, start: number, end: number, unit?: string): number | undefined;
  /** Whether all that is reported from `since` on is the same, until somebody says otherwise. */
  rests(since: number): boolean;
}

export class Metric implements Series {
  readonly name: MetricName;
  private readonly samples: Sample[] = [];

  constructor(name: MetricName) {
    this.name = name;
  }

  add(sample: Sample): void {
    let at = this.samples.length;
    while (at > 0 && this.samples[at - 1]!.time > sample.time) at--;
    this.samples.splice(at, 0, sample);
  }

  statistic(statistic: string, start: number, end: number, unit?: string): number | undefined {
    return statisticOf(
      statistic,
      this.between(start, end).filter((sample) => unit === undefined || sample.unit === unit),
    );
  }

  rests(): boolean {
    return false;
  }

  private between(start: number, end: number): readonly Sample[] {
    let low = 0;
    let high = this.samples.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.samples[middle]!.time < start) low = middle + 1;
      else high = middle;
    }
    let last = low;
    while (last < this.samples.length && this.samples[last]!.time < end) last++;
    return this.samples.slice(low, last);
  }
}

/** @returns undefined where there are none */
export function statisticOf(statistic: string, found: readonly Sample[]): number | undefined {
  if (found.length === 0) return undefined;
  const total = (of: (sample: Sample) => number) => found.reduce((sum, sample) => sum + of(sample), 0);
  switch (statistic) {
    case 'Sum':
      return total(({ sum }) => sum);
    case 'SampleCount':
      return total(({ count }) => count);
    case 'Average':
      return total(({ sum }) => sum) / total(({ count }) => count);
    case 'Minimum':
      return Math.min(...found.map(({ minimum }) => minimum));
    case 'Maximum':
      return Math.max(...found.map(({ maximum }) => maximum));
    default:
      return percentile(found, Number(statistic.slice(1)));
  }
}

/** By nearest rank. Undefined where only sums were reported. */
function percentile(samples: readonly Sample[], percent: number): number | undefined {
  const values = samples.flatMap(({ values }) => values ?? []).toSorted(([a], [b]) => a - b);
  const count = values.reduce((sum, [, times]) => sum + times, 0);
  let seen = 0;
  for (const [value, times] of values) {
    seen += times;
    if (seen >= (percent / 100) * count) return value;
  }
  return undefined;
}

/** A sample of plain values. */
export function sampleOf(time: number, values: readonly (readonly [value: number, count: number])[], unit?: string): Sample {
  return {
    time,
    sum: values.reduce((sum, [value, count]) => sum + value * count, 0),
    count: values.reduce((sum, [, count]) => sum + count, 0),
    minimum: Math.min(...values.map(([value]) => value)),
    maximum: Math.max(...values.map(([value]) => value)),
    values,
    ...(unit === undefined ? {} : { unit }),
  };
}
