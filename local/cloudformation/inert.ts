/**
 * Resource types that local AWS accepts and that do nothing here: the network carries every packet, nothing is encrypted.
 * They have the ids and attributes that others refer to. Listed in docs/local-aws.md.
 */
import type { CreatedResource, ResourceContext } from '../core/service.ts';
import { ec2Id } from './identifiers.ts';

/** Makes what `Ref` and `Fn::GetAtt` give; properties are accepted as they are. */
export type InertType = (properties: Readonly<Record<string, unknown>>, context: ResourceContext) => CreatedResource;

const text = (value: unknown, otherwise = ''): string => (value === undefined ? otherwise : String(value));

/** An EC2 resource whose `Ref` is an id with this prefix. @param attributes that give the id itself */
const identified =
  (
    prefix: string,
    attributes: readonly string[] = [],
    more: (properties: Readonly<Record<string, unknown>>, id: string) => Record<string, string> = () => ({}),
  ): InertType =>
  (properties, { generatedName }) => {
    const id = ec2Id(prefix, generatedName);
    return { ref: id, attributes: { ...Object.fromEntries(attributes.map((name) => [name, id])), ...more(properties, id) } };
  };

const named: InertType = (_properties, { generatedName }) => ({ ref: generatedName });

export const inertTypes: Readonly<Record<string, InertType>> = {
  'AWS::CDK::Metadata': named,
  'AWS::EC2::VPC': identified('vpc', ['VpcId'], ({ CidrBlock }, id) => ({
    CidrBlock: text(CidrBlock),
    DefaultSecurityGroup: ec2Id('sg', `${id}/default`),
    DefaultNetworkAcl: ec2Id('acl', `${id}/default`),
  })),
  'AWS::EC2::Subnet': identified('subnet', ['SubnetId'], (properties) => ({
    AvailabilityZone: text(properties.AvailabilityZone),
    CidrBlock: text(properties.CidrBlock),
    VpcId: text(properties.VpcId),
  })),
  'AWS::EC2::InternetGateway': identified('igw', ['InternetGatewayId']),
  'AWS::EC2::VPCGatewayAttachment': ({ VpcId }) => ({ ref: `IGW|${text(VpcId)}`, attributes: { AttachmentType: 'IGW' } }),
  'AWS::EC2::RouteTable': identified('rtb', ['RouteTableId']),
  'AWS::EC2::Route': ({ RouteTableId, DestinationCidrBlock }) => ({
    ref: `${text(RouteTableId)}|${text(DestinationCidrBlock)}`,
    attributes: { CidrBlock: text(DestinationCidrBlock) },
  }),
  'AWS::EC2::SubnetRouteTableAssociation': identified('rtbassoc', ['Id']),
  'AWS::EC2::SecurityGroup': identified('sg', ['GroupId', 'Id'], ({ VpcId }) => ({ VpcId: text(VpcId) })),
  'AWS::EC2::SecurityGroupIngress': identified('sgr', ['Id']),
  'AWS::EC2::SecurityGroupEgress': identified('sgr', ['Id']),
  'AWS::EC2::FlowLog': identified('fl', ['Id']),
  'AWS::EC2::VPCEndpoint': identified('vpce', ['Id']),
  'AWS::KMS::Key': (_properties, context) => {
    const id = ec2Id('key', context.generatedName).slice(4);
    return { ref: id, attributes: { Arn: context.site.arn('kms', `key/${id}`), KeyId: id } };
  },
  'AWS::KMS::Alias': ({ AliasName }) => ({ ref: text(AliasName) }),
  'AWS::S3::Bucket': ({ BucketName }, { generatedName, site }) => {
    const name = text(BucketName, generatedName.toLowerCase());
    return {
      ref: name,
      attributes: {
        Arn: `arn:aws:s3:::${name}`,
        DomainName: `${name}.s3.amazonaws.com`,
        RegionalDomainName: `${name}.s3.${site.region}.amazonaws.com`,
      },
    };
  },
  'AWS::S3::BucketPolicy': ({ Bucket }) => ({ ref: text(Bucket) }),
};
