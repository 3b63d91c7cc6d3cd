/** Where a machine logs to: checked, kept and shown; nothing is written there. https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html */
import type { LoggingConfiguration } from '@aws-sdk/client-sfn';
import { ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';

const invalid = (why: string) => new ServiceError('InvalidLoggingConfiguration', `Invalid Logging Configuration: ${why}`);

/** The configuration with its defaults. @throws ServiceError InvalidLoggingConfiguration */
export function loggingOf(given: LoggingConfiguration | undefined, site: Site): LoggingConfiguration {
  const { level = 'OFF', includeExecutionData = false, destinations } = given ?? {};
  const many = destinations?.length ?? 0;
  if (many > 1 || (level !== 'OFF' && many !== 1)) throw invalid('Must specify exactly one Log Destination.');
  for (const { cloudWatchLogsLogGroup } of destinations ?? []) {
    const [, name] = /^arn:[^:]+:logs:[^:]+:\d{12}:log-group:([^:]+):\*$/.exec(cloudWatchLogsLogGroup?.logGroupArn ?? '') ?? [];
    if (name === undefined || !site.service('logs').hasGroup(name)) throw invalid('Log Destination not found.');
  }
  return { level, includeExecutionData, ...(destinations === undefined ? {} : { destinations }) };
}
