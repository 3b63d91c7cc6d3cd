/** Metrics that stand in log lines: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html */

/** One value of one metric. */
export interface EmbeddedMetric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly values: readonly number[];
  readonly unit?: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

interface Directive {
  readonly Namespace?: string;
  readonly Dimensions?: readonly (readonly string[])[];
  readonly Metrics?: readonly { readonly Name?: string; readonly Unit?: string }[];
}

/** The metrics of a line; none where it is not in the format. */
export function embeddedMetrics(line: string): readonly EmbeddedMetric[] {
  if (!line.includes('"_aws"')) return [];
  let root: Record<string, unknown>;
  try {
    root = JSON.parse(line);
  } catch {
    return [];
  }
  const meta = (root._aws ?? {}) as { readonly Timestamp?: unknown; readonly CloudWatchMetrics?: unknown };
  if (!Array.isArray(meta.CloudWatchMetrics) || typeof meta.Timestamp !== 'number') return [];
  const directives: readonly Directive[] = meta.CloudWatchMetrics;
  const found: EmbeddedMetric[] = [];
  for (const { Namespace, Dimensions = [[]], Metrics = [] } of directives)
    for (const { Name, Unit } of Metrics) {
      const values = [root[Name ?? '']].flat().filter((value) => typeof value === 'number');
      if (Namespace === undefined || Name === undefined || values.length === 0) continue;
      for (const names of Dimensions)
        found.push({
          namespace: Namespace,
          name: Name,
          dimensions: Object.fromEntries(names.map((name) => [name, String(root[name])])),
          values,
          ...(Unit === undefined ? {} : { unit: Unit }),
          time: meta.Timestamp,
        });
    }
  return found;
}
