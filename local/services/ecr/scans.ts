/** Basic scanning: an image's label says what is found, some seconds after the push or when asked. */
import type { DescribeImageScanFindingsCommandInput, StartImageScanCommandInput } from '@aws-sdk/client-ecr';
import { type Operation, ServiceError } from '../../core/service.ts';
import { onRepository } from './access.ts';
import { requireImage } from './images.ts';
import type { Ecr } from './index.ts';
import { page } from './page.ts';
import type { Repository, StoredImage } from './repository.ts';

/** The label with the findings of an image as JSON, by severity: `{"CRITICAL": 1}`. */
export const FINDINGS_LABEL = 'local.aws.findings';

const SEVERITIES: readonly string[] = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL', 'UNDEFINED'];
/** How long a scan takes here, in milliseconds. */
const SCAN_TIME = 10_000;
/** "An image can only be scanned once each 24 hours." https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-basic.html */
const SCAN_INTERVAL = 24 * 3_600_000;

/** Starts a scan; its end is an event. */
export function scanImage(ecr: Ecr, repository: Repository, image: StoredImage): void {
  const scan: StoredImage['scan'] = { status: 'IN_PROGRESS', startedAt: ecr.now, counts: {} };
  image.scan = scan;
  const { digest } = image.manifest;
  ecr.site.world.clock.after(SCAN_TIME, `scan of ${repository.settings.name}@${digest.slice(0, 19)}`, () => {
    if (repository.images.get(digest) !== image || image.scan !== scan) return;
    const found = findings(repository, image);
    if (typeof found === 'string') {
      scan.status = 'FAILED';
      scan.description = found;
      return;
    }
    scan.status = 'COMPLETE';
    scan.description = 'The scan was completed successfully.';
    scan.completedAt = ecr.now;
    scan.counts = found;
    ecr.site.service('events').publish({
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

export function scanOperations(ecr: Ecr): Readonly<Record<string, Operation>> {
  return {
    StartImageScan: onRepository(ecr, 'StartImageScan', ({ repository, owner, ids }, input: StartImageScanCommandInput) => {
      const image = requireImage(repository, input.imageId ?? {}, ids);
      const { digest, kind } = image.manifest;
      if (kind === 'index')
        throw new ServiceError('UnsupportedImageTypeException', `The image '${digest}' is a manifest list, which cannot be scanned`);
      if (image.status !== 'ACTIVE')
        throw new ServiceError('ImageArchivedException', `The image '${digest}' is archived and cannot be scanned`);
      if (image.scan !== undefined && owner.now - image.scan.startedAt < SCAN_INTERVAL)
        throw new ServiceError('LimitExceededException', 'The scan quota per image has been exceeded. Wait and try again.');
      scanImage(owner, repository, image);
      return { ...ids, imageId: { imageDigest: digest, ...input.imageId }, imageScanStatus: { status: 'IN_PROGRESS' } };
    }),

    DescribeImageScanFindings: onRepository(
      ecr,
      'DescribeImageScanFindings',
      ({ repository, ids }, input: DescribeImageScanFindingsCommandInput) => {
        const image = requireImage(repository, input.imageId ?? {}, ids);
        const { scan, manifest } = image;
        const imageId = { imageDigest: manifest.digest, ...input.imageId };
        if (image.status !== 'ACTIVE') return { ...ids, imageId, imageScanStatus: { status: 'IMAGE_ARCHIVED' } };
        if (scan === undefined)
          throw new ServiceError(
            'ScanNotFoundException',
            `Image scan does not exist for the image with '{imageDigest:'${manifest.digest}', imageTag:'${input.imageId?.imageTag ?? 'null'}'}' in the repository with name '${ids.repositoryName}' in the registry with id '${ids.registryId}'`,
          );
        const imageScanStatus = { status: scan.status, description: scan.description };
        if (scan.status !== 'COMPLETE') return { ...ids, imageId, imageScanStatus };
        const all = SEVERITIES.flatMap((severity) =>
          Array.from({ length: scan.counts[severity] ?? 0 }, (_, index) => ({
            name: `LOCAL-${severity}-${index + 1}`,
            description: `One of the findings that the label ${FINDINGS_LABEL} of this image declares.`,
            severity,
          })),
        );
        const { items, nextToken } = page(all, ({ name }) => name, input.maxResults ?? 100, input.nextToken);
        return {
          ...ids,
          imageId,
          imageScanStatus,
          imageScanFindings: {
            imageScanCompletedAt: new Date(scan.completedAt!),
            vulnerabilitySourceUpdatedAt: new Date(scan.startedAt),
            findingSeverityCounts: { ...scan.counts },
            findings: items,
          },
          nextToken,
        };
      },
    ),
  };
}
