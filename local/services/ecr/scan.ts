/** Basic scanning: an image's label says what is found, some seconds after the push or when asked. */
import { bound } from '../../core/bound.ts';
import type { Site } from '../../core/site.ts';
import type { Repository, StoredImage } from './repository.ts';

/** The label with the findings of an image as JSON, by severity: `{"CRITICAL": 1}`. */
export const FINDINGS_LABEL = 'local.aws.findings';

export const SEVERITIES: readonly string[] = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL', 'UNDEFINED'];
/** How long a scan takes here, in milliseconds. */
const SCAN_TIME = 10_000;

/** Starts a scan; its end is an event. */
export function scanImage(site: Site, repository: Repository, image: StoredImage): void {
  const { clock } = site.world;
  const scan: NonNullable<StoredImage['scan']> = { status: 'IN_PROGRESS', startedAt: clock.now(), counts: {} };
  image.scan = scan;
  const { digest } = image.manifest;
  const ecr = site.service('ecr');
  const what = `scan of ${repository.settings.name}@${digest.slice(0, 19)}`;
  clock.after(SCAN_TIME, what, bound(ecr, ecr.scanned, repository, image, scan));
}

/** The end of a scan, unless the image is gone or is scanned anew. */
export function endScan(site: Site, repository: Repository, image: StoredImage, scan: NonNullable<StoredImage['scan']>): void {
  const { clock } = site.world;
  const { digest } = image.manifest;
  if (repository.images.get(digest) !== image || image.scan !== scan) return;
  const found = findings(repository, image);
  if (typeof found === 'string') {
    scan.status = 'FAILED';
    scan.description = found;
    return;
  }
  scan.status = 'COMPLETE';
  scan.description = 'The scan was completed successfully.';
  scan.completedAt = clock.now();
  scan.counts = found;
  site.service('events').publish({
    source: 'aws.ecr',
    'detail-type': 'ECR Image Scan',
    resources: [repository.settings.arn],
    detail: {
      'scan-status': 'COMPLETE',
      'repository-name': repository.settings.name,
      'finding-severity-counts': found,
      'image-digest': digest,
      'image-tags': [...image.tags],
    },
  });
}

/** Counts by severity without zeros, or why there are none. */
function findings(repository: Repository, image: StoredImage): Record<string, number> | string {
  const config = repository.configOf(image);
  if (config?.os === undefined || config.os === 'unknown')
    return 'UnsupportedImageError: The operating system and/or package manager are not supported.';
  const label = config.config?.Labels?.[FINDINGS_LABEL];
  if (label === undefined) return {};
  let counts: Record<string, unknown>;
  try {
    counts = JSON.parse(label);
  } catch {
    return `the label ${FINDINGS_LABEL} is not JSON: ${label}`;
  }
  const wrong = Object.entries(counts).find(([name, count]) => !SEVERITIES.includes(name) || !Number.isInteger(count));
  if (wrong !== undefined) return `the label ${FINDINGS_LABEL} counts ${SEVERITIES.join(', ')}; it says "${wrong[0]}": ${wrong[1]}`;
  return Object.fromEntries(Object.entries(counts as Record<string, number>).filter(([, count]) => count > 0));
}
