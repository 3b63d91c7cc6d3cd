/** Attributes of queues: which there are, what they may hold, and what AWS says of the others. */
import { ServiceError } from '../../core/service.ts';

/** Attribute names and their defaults; all values are text, as in the API. */
const DEFAULTS: Readonly<Record<string, string>> = {
  DelaySeconds: '0',
  MaximumMessageSize: '1048576',
  MessageRetentionPeriod: '345600',
  ReceiveMessageWaitTimeSeconds: '0',
  VisibilityTimeout: '30',
  SqsManagedSseEnabled: 'true',
};

const FIFO_DEFAULTS: Readonly<Record<string, string>> = {
  FifoQueue: 'true',
  ContentBasedDeduplication: 'false',
  DeduplicationScope: 'queue',
  FifoThroughputLimit: 'perQueue',
};

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html */
const RANGES: Readonly<Record<string, readonly [least: number, most: number]>> = {
  DelaySeconds: [0, 900],
  MaximumMessageSize: [1024, 1_048_576],
  MessageRetentionPeriod: [60, 1_209_600],
  ReceiveMessageWaitTimeSeconds: [0, 20],
  VisibilityTimeout: [0, 43_200],
  KmsDataKeyReusePeriodSeconds: [60, 86_400],
};

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  FifoQueue: ['true', 'false'],
  ContentBasedDeduplication: ['true', 'false'],
  SqsManagedSseEnabled: ['true', 'false'],
  DeduplicationScope: ['queue', 'messageGroup'],
  FifoThroughputLimit: ['perQueue', 'perMessageGroupId'],
};

const KNOWN: ReadonlySet<string> = new Set([
  ...Object.keys(DEFAULTS),
  ...Object.keys(FIFO_DEFAULTS),
  ...Object.keys(RANGES),
  'KmsMasterKeyId',
  'Policy',
  'RedrivePolicy',
  'RedriveAllowPolicy',
]);

const unknown = (name: string) => new ServiceError('InvalidAttributeName', `Unknown Attribute ${name}.`);
const invalid = (name: string, reason = '') =>
  new ServiceError('InvalidAttributeValue', `Invalid value for the parameter ${name}.${reason === '' ? '' : ` Reason: ${reason}`}`);

export const isFifo = (settings: Readonly<Record<string, string>>) => settings.FifoQueue === 'true';

/** The attributes of a new queue. @param given checked */
export const settingsOf = (given: Readonly<Record<string, string>>): Record<string, string> => ({
  ...DEFAULTS,
  ...(isFifo(given) ? FIFO_DEFAULTS : {}),
  ...encryption(given),
  ...given,
});

/** What other attributes become by these: only one kind of encryption is on at a time. */
function encryption(given: Readonly<Record<string, string>>): Record<string, string> {
  if (given.KmsMasterKeyId) return { SqsManagedSseEnabled: 'false' };
  return given.SqsManagedSseEnabled === 'true' ? { KmsMasterKeyId: '' } : {};
}

/** Applies checked attributes to those of a queue. */
export function change(settings: Record<string, string>, given: Readonly<Record<string, string>>): void {
  Object.assign(settings, encryption(given), given);
}

/** What GetQueueAttributes shows: nothing that is empty, and the age of a data key only where there is a key. */
export function shownSettings(settings: Readonly<Record<string, string>>): Record<string, string> {
  const { KmsDataKeyReusePeriodSeconds: age, ...others } = settings;
  const shown = Object.entries(others).filter(([, value]) => value !== '');
  return { ...Object.fromEntries(shown), ...(settings.KmsMasterKeyId && age !== undefined ? { KmsDataKeyReusePeriodSeconds: age } : {}) };
}

/**
 * @param fifo whether the queue is one, or will be
 * @param isNew whether it is being made
 * @throws ServiceError InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue
 */
export function checkedSettings(given: Readonly<Record<string, string>>, fifo: boolean, isNew: boolean): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [name, raw] of Object.entries(given)) {
    if (!KNOWN.has(name)) throw unknown(name);
    if (!fifo && (name === 'FifoQueue' || name === 'ContentBasedDeduplication')) throw unknown(name);
    if (!fifo && FIFO_DEFAULTS[name] !== undefined)
      throw new ServiceError('InvalidAttributeName', `You can specify the ${name} only when FifoQueue is set to true.`);
    const choices = CHOICES[name];
    const value = choices?.find((one) => one.toLowerCase() === raw.toLowerCase()) ?? raw;
    if (choices !== undefined && !choices.includes(value)) throw invalid(name);
    if (name === 'FifoQueue' && value === 'false' && !isNew) throw invalid(name, 'Modifying queue type is not supported.');
    const range = RANGES[name];
    if (range !== undefined && value !== '' && !(/^\d+$/.test(value) && Number(value) >= range[0] && Number(value) <= range[1]))
      throw invalid(name);
    if (name === 'RedrivePolicy') checkRedrive(value);
    checked[name] = value;
  }
  if (given.KmsMasterKeyId && checked.SqsManagedSseEnabled === 'true')
    throw new ServiceError(
      'InvalidAttributeName',
      'You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.',
    );
  return checked;
}

/** What a redrive policy says. */
export interface Redrive {
  readonly deadLetterTargetArn: string;
  readonly maxReceiveCount: number;
}

export const redriveReason = (value: string, reason: string) =>
  new ServiceError('InvalidParameterValue', `Value ${value} for parameter RedrivePolicy is invalid. Reason: ${reason}`);

/** Nothing where there is none. @throws ServiceError InvalidParameterValue */
export function redriveOf(value: string | undefined): Redrive | undefined {
  if (value === undefined || value === '') return undefined;
  let policy: { deadLetterTargetArn?: unknown; maxReceiveCount?: unknown };
  try {
    policy = JSON.parse(value) as typeof policy;
  } catch {
    throw redriveReason(value, 'Redrive policy is not a valid JSON map.');
  }
  const { deadLetterTargetArn, maxReceiveCount } = policy ?? {};
  if (typeof deadLetterTargetArn !== 'string')
    throw redriveReason(value, 'Redrive policy does not contain mandatory attribute: deadLetterTargetArn.');
  if (maxReceiveCount === undefined) throw redriveReason(value, 'Redrive policy does not contain mandatory attribute: maxReceiveCount.');
  const count = Number(maxReceiveCount);
  if (!(Number.isInteger(count) && count >= 1 && count <= 1000))
    throw redriveReason(value, `Invalid value for maxReceiveCount: ${maxReceiveCount}, valid values are from 1 to 1000 both inclusive.`);
  return { deadLetterTargetArn, maxReceiveCount: count };
}

const checkRedrive = (value: string) => void redriveOf(value);
