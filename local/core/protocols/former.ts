/** The query protocol of services that speak JSON today, for clients of before: SQS until November 2023, CloudWatch until 2025. */
import type { HttpRequest } from '../http.ts';
import { RPC_V2_CBOR } from './cbor.ts';
import type { Model, OperationModel } from './model.ts';
import type { Member, Shape, Structure } from './shape.ts';

/**
 * What SQS calls its lists and maps in a form and in XML, all of them flattened.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html and the service models of botocore 1.29.
 */
const SQS_NAMES: Readonly<Record<string, string>> = {
  AWSAccountIds: 'AWSAccountId',
  Actions: 'ActionName',
  AttributeNames: 'AttributeName',
  Attributes: 'Attribute',
  BinaryListValues: 'BinaryListValue',
  Failed: 'BatchResultErrorEntry',
  MessageAttributeNames: 'MessageAttributeName',
  MessageAttributes: 'MessageAttribute',
  MessageSystemAttributeNames: 'MessageSystemAttributeName',
  MessageSystemAttributes: 'MessageSystemAttribute',
  Messages: 'Message',
  QueueUrls: 'QueueUrl',
  StringListValues: 'StringListValue',
  TagKeys: 'TagKey',
  Tags: 'Tag',
  queueUrls: 'QueueUrl',
  tags: 'Tag',
};

const made = new WeakMap<Model, Model>();

/**
 * The model by which a request is read and answered: the service's own; for a form sent to a service that once took forms, its
 * former one; for CBOR, where it is taken, one that speaks it.
 */
export function modelFor(model: Model, { headers }: HttpRequest): Model {
  if (model.cbor && headers['smithy-protocol'] === RPC_V2_CBOR) return { ...model, protocol: 'rpcV2Cbor' };
  if (!model.queryCompatible || !headers['content-type']?.startsWith('application/x-www-form-urlencoded')) return model;
  let former = made.get(model);
  if (former === undefined) {
    former = { ...model, protocol: 'query', operations: model.service === 'sqs' ? renamed(model.operations) : model.operations };
    made.set(model, former);
  }
  return former;
}

function renamed(operations: ReadonlyMap<string, OperationModel>): Map<string, OperationModel> {
  const known = new Map<Structure, Structure>();
  return new Map(
    [...operations].map(([name, operation]) => [
      name,
      { ...operation, input: flattened(operation.input, known), output: flattened(operation.output, known) },
    ]),
  );
}

function flattened(shape: Shape, known: Map<Structure, Structure>): Shape {
  if (shape.kind !== 'structure') return shape;
  let found = known.get(shape);
  if (found === undefined) {
    const members = new Map<string, Member>();
    found = { ...shape, members };
    known.set(shape, found);
    for (const [name, member] of shape.members) members.set(name, flatMember(member, known));
  }
  return found;
}

function flatMember(member: Member, known: Map<Structure, Structure>): Member {
  const { shape } = member;
  const flat = { xmlFlattened: 1 };
  if (shape.kind === 'list') {
    const item = { ...shape.item, shape: flattened(shape.item.shape, known) };
    const entry = item.shape.kind === 'structure' ? item.shape.name : member.name;
    const xmlName = SQS_NAMES[member.name] ?? entry;
    return { ...member, shape: { ...shape, item, traits: flat }, traits: { ...member.traits, xmlName } };
  }
  if (shape.kind === 'map') {
    const xmlName = SQS_NAMES[member.name] ?? member.name;
    const key = { ...shape.key, traits: { xmlName: xmlName.startsWith('Tag') ? 'Key' : 'Name' } };
    const value = { ...shape.value, shape: flattened(shape.value.shape, known), traits: { xmlName: 'Value' } };
    return { ...member, shape: { ...shape, key, value, traits: flat }, traits: { ...member.traits, xmlName } };
  }
  return { ...member, shape: flattened(shape, known) };
}
