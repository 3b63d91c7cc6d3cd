/** The resource policy of a function, statement by statement, as AddPermission builds it. */
import type { AddPermissionRequest } from '@aws-sdk/client-lambda';
import type { PolicyStatement } from '../../core/service.ts';

function principal(text: string): PolicyStatement['Principal'] {
  if (text === '*') return '*';
  if (/^\d{12}$/.test(text)) return { AWS: `arn:aws:iam::${text}:root` };
  return text.startsWith('arn:') ? { AWS: text } : { Service: text };
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html */
export function permissionStatement(input: Omit<AddPermissionRequest, 'FunctionName'>, resource: string): PolicyStatement {
  const condition: Record<string, Record<string, unknown>> = {};
  const add = (operator: string, key: string, value: unknown) => {
    if (value !== undefined) condition[operator] = { ...condition[operator], [key]: value };
  };
  add('ArnLike', 'AWS:SourceArn', input.SourceArn);
  add('StringEquals', 'AWS:SourceAccount', input.SourceAccount);
  add('StringEquals', 'aws:PrincipalOrgID', input.PrincipalOrgID);
  add('StringEquals', 'lambda:FunctionUrlAuthType', input.FunctionUrlAuthType);
  add('StringEquals', 'lambda:EventSourceToken', input.EventSourceToken);
  if (input.InvokedViaFunctionUrl !== undefined) add('Bool', 'lambda:InvokedViaFunctionUrl', String(input.InvokedViaFunctionUrl));
  return {
    Sid: input.StatementId!,
    Effect: 'Allow',
    Principal: principal(input.Principal!)!,
    Action: input.Action!,
    Resource: resource,
    ...(Object.keys(condition).length > 0 ? { Condition: condition } : {}),
  };
}
