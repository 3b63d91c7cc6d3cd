/** A metric that is reported every minute, such as how many hosts are healthy: kept as its changes, so that nobody counts while nothing changes. */
import type { Clock } from '../../core/clock.ts';
import { type MetricName, type Sample, type Series, sampleOf, statisticOf } from './metric.ts';

const MINUTE = 60_000;

export class Level implements Series {
  readonly name: MetricName;
  private readonly unit: string;
  private readonly clock: Clock;
  /** Oldest first; without a value nothing is reported from then on. */
  private readonly changes: { readonly time: number; readonly value: number | undefined }[] = [];

  constructor(name: MetricName, unit: string, clock: Clock) {
    this.name = name;
    this.unit = unit;
    this.clock = clock;
  }

  /** From now on. @returns whether it was another before */
  set(value: number | undefined): boolean {
    if (this.changes.at(-1)?.value === value) return false;
    this.changes.push({ time: this.clock.now(), value });
    return true;
  }

  statistic(statistic: string, start: number, end: number, unit?: string): number | undefined {
    return unit === undefined || unit === this.unit ? statisticOf(statistic, this.between(start, end)) : undefined;
  }

  rests(since: number): boolean {
    return (this.changes.at(-1)?.time ?? since) < since;
  }

  /** One sample for each minute that has ended: what it was at its end. */
  private between(start: number, end: number): Sample[] {
    const samples: Sample[] = [];
    const first = Math.max(start, this.changes[0]?.time ?? end);
    const last = Math.min(end, this.clock.now() - MINUTE + 1);
    let next = 0;
    for (let minute = Math.floor(first / MINUTE) * MINUTE; minute < last; minute += MINUTE) {
      while (next < this.changes.length && this.changes[next]!.time < minute + MINUTE) next++;
      const value = this.changes[next - 1]?.value;
      if (value !== undefined && minute >= start) samples.push(sampleOf(minute, [[value, 1]], this.unit));
    }
    return samples;
  }
}
