/** Names of functions as callers write them: name, partial ARN, ARN, each with or without a qualifier. */
import { ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';

export interface FunctionName {
  readonly account: string;
  readonly region: string;
  readonly name: string;
  /** `$LATEST`, a version or an alias; absent in an unqualified name. */
  readonly qualifier?: string;
}

const PATTERN = /^(?:(?:arn:aws:lambda:([a-z0-9-]+):)?(?:(\d{12}):)?function:)?([a-zA-Z0-9-_]{1,140})(?::(\$LATEST|[a-zA-Z0-9-_]+))?$/;

/**
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 * @throws ServiceError ValidationException
 */
export function parseFunctionName(site: Site, text: string, qualifier?: string): FunctionName {
  const found = PATTERN.exec(text);
  if (found === null)
    throw new ServiceError(
      'ValidationException',
      `1 validation error detected: Value '${text}' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?`,
    );
  const [, region = site.region, account = site.account, name, own] = found;
  if (own !== undefined && qualifier !== undefined && own !== qualifier)
    throw new ServiceError(
      'InvalidParameterValueException',
      'The derived qualifier from the function name does not match the specified qualifier.',
    );
  const given = own ?? qualifier;
  return { account, region, name: name!, ...(given === undefined ? {} : { qualifier: given }) };
}

export function functionArn({ account, region, name, qualifier }: FunctionName): string {
  return `arn:aws:lambda:${region}:${account}:function:${name}${qualifier === undefined ? '' : `:${qualifier}`}`;
}
