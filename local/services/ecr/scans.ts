/** The operations on scans of images. */
import type { DescribeImageScanFindingsCommandInput, StartImageScanCommandInput } from '@aws-sdk/client-ecr';
import { type Operation, ServiceError } from '../../core/service.ts';
import { onRepository } from './access.ts';
import type { EcrAccount } from './account.ts';
import { requireImage } from './images.ts';
import { page } from './page.ts';
import { FINDINGS_LABEL, SEVERITIES, scanImage } from './scan.ts';

/** "An image can only be scanned once each 24 hours." https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-basic.html */
const SCAN_INTERVAL = 24 * 3_600_000;

export function scanOperations(ecr: EcrAccount): Readonly<Record<string, Operation>> {
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
      scanImage(owner.site, repository, image);
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
