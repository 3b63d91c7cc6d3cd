/** Event source mappings: Lambda reads a table's stream or a queue and invokes a function with batches. */
import type { EventSourceMappingConfiguration } from '@aws-sdk/client-lambda';
import { authorize } from '../../core/iam/authorize.ts';
import { ServiceError } from '../../core/service.ts';
import { parseArn } from '../events/delivery.ts';
import type { LambdaFunction } from './function.ts';
import type { LambdaFunctions } from './functions.ts';
import { QueueReader, queueActions } from './queue.ts';
import type { MappingSettings, Reader } from './reader.ts';
import { StreamReader, streamActions } from './stream.ts';

interface Mapping {
  readonly id: string;
  settings: MappingSettings;
  readonly reader: Reader;
}

const invalid = (message: string) => new ServiceError('InvalidParameterValueException', message, 400, { Type: 'User' });

export class EventSourceMappings {
  private readonly lambda: LambdaFunctions;
  private readonly mappings = new Map<string, Mapping>();

  constructor(lambda: LambdaFunctions) {
    this.lambda = lambda;
  }

  /** @returns its UUID. @throws ServiceError InvalidParameterValueException, ResourceNotFoundException */
  create(settings: MappingSettings): string {
    const { owner } = this.lambda.find(settings.functionName);
    const { service } = parseArn(settings.sourceArn);
    if (service !== 'dynamodb' && service !== 'sqs')
      throw invalid(`local AWS reads DynamoDB streams and SQS queues only, not ${settings.sourceArn}`);
    this.checkRole(owner, settings.sourceArn, service);
    const reader = service === 'dynamodb' ? new StreamReader(this.lambda, settings) : new QueueReader(this.lambda, settings);
    const mapping = { id: this.lambda.random.uuid(), settings, reader };
    this.mappings.set(mapping.id, mapping);
    return mapping.id;
  }

  /** The function's role must be able to read the source. @throws ServiceError InvalidParameterValueException */
  private checkRole(owner: LambdaFunction, sourceArn: string, service: 'dynamodb' | 'sqs'): void {
    const { site } = this.lambda;
    const role = this.lambda.rolePrincipal(owner, owner.latest);
    const actions = service === 'dynamodb' ? streamActions : queueActions;
    try {
      for (const action of actions) {
        const resource = action === 'ListStreams' ? '*' : sourceArn;
        authorize(site.world, role, { action: `${service}:${action}`, resource }, site.region);
      }
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw invalid(
        service === 'sqs'
          ? `The provided execution role does not have permissions to call ${error.message.replace(/^.*perform: sqs:(\w+).*$/, '$1')} on SQS`
          : `Cannot access stream ${sourceArn}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.`,
      );
    }
  }

  change(id: string, settings: MappingSettings): void {
    const mapping = this.mappings.get(id)!;
    mapping.settings = settings;
    mapping.reader.change(settings);
  }

  resume(): void {
    for (const { reader } of this.mappings.values()) reader.resume?.();
  }

  delete(id: string): void {
    this.mappings.get(id)?.reader.stop();
    this.mappings.delete(id);
  }

  list(functionName?: string, sourceArn?: string): EventSourceMappingConfiguration[] {
    return [...this.mappings.values()]
      .map((mapping) => this.configuration(mapping))
      .filter((one) => functionName === undefined || one.FunctionArn?.endsWith(`:${functionName}`))
      .filter((one) => sourceArn === undefined || one.EventSourceArn === sourceArn);
  }

  private configuration({ id, settings }: Mapping): EventSourceMappingConfiguration {
    return {
      UUID: id,
      EventSourceMappingArn: this.lambda.site.arn('lambda', `event-source-mapping:${id}`),
      EventSourceArn: settings.sourceArn,
      FunctionArn: this.lambda.find(settings.functionName).owner.arn,
      BatchSize: settings.batchSize,
      MaximumBatchingWindowInSeconds: settings.window,
      MaximumRetryAttempts: settings.maximumRetryAttempts,
      MaximumRecordAgeInSeconds: settings.maximumRecordAge,
      BisectBatchOnFunctionError: settings.bisect,
      State: settings.enabled ? 'Enabled' : 'Disabled',
      ...(settings.filters.length > 0 ? { FilterCriteria: { Filters: settings.filters.map((Pattern) => ({ Pattern })) } } : {}),
      ...(settings.onFailure === undefined ? {} : { DestinationConfig: { OnFailure: { Destination: settings.onFailure } } }),
      ...(settings.startingPosition === undefined ? {} : { StartingPosition: settings.startingPosition as 'LATEST' }),
    };
  }
}
