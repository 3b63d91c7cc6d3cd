/** The Regions of AWS: a pipeline lives in one of the partition `aws`, as its ARNs say. */
import { suggestion } from '../text/suggestion.ts';
import type { Parsed } from './schema.ts';

/** https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html; a test holds them equal to the SDK's. */
export const REGIONS = [
  'af-south-1',
  ...['ap-east-1', 'ap-east-2', 'ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3', 'ap-south-1', 'ap-south-2'],
  ...['ap-southeast-1', 'ap-southeast-2', 'ap-southeast-3', 'ap-southeast-4', 'ap-southeast-5', 'ap-southeast-6', 'ap-southeast-7'],
  ...['ca-central-1', 'ca-west-1'],
  ...['eu-central-1', 'eu-central-2', 'eu-north-1', 'eu-south-1', 'eu-south-2', 'eu-west-1', 'eu-west-2', 'eu-west-3'],
  ...['il-central-1', 'me-central-1', 'me-south-1', 'me-west-1', 'mx-central-1', 'sa-east-1', 'sa-west-1'],
  ...['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2'],
];

/** China, the sovereign cloud of Europe, GovCloud, and those that have no internet. */
const OTHER_PARTITIONS = /^(cn-|eusc-|us-gov-|us-iso|eu-iso)/;

export function checkRegions({ sites }: Pick<Parsed, 'sites'>, report: (place: string, message: string) => void): void {
  for (const [name, { region }] of Object.entries(sites)) {
    const place = `sites.${name}.region`;
    if (OTHER_PARTITIONS.test(region))
      report(
        place,
        `${region} is of another partition of AWS than \`aws\`, and a pipeline lives in that one alone; take one of its Regions`,
      );
    else if (!REGIONS.includes(region)) report(place, `AWS has no Region "${region}"${suggestion(region, REGIONS)}`);
  }
}
