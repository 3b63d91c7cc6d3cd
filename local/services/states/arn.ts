/** ARNs of Step Functions: what each operation takes, and how AWS refuses the rest. */
import { ServiceError } from '../../core/service.ts';

export type Kind = 'stateMachine' | 'execution' | 'express' | 'activity' | 'mapRun';

/** @throws ServiceError InvalidArn where it is no ARN of Step Functions, or one of something else */
export function checkArn(arn: string | undefined, ...kinds: readonly Kind[]): void {
  const [, kind] = /^arn:[^:]+:states:[^:]+:\d{12}:([A-Za-z]+):.+$/.exec(arn ?? '') ?? [];
  if (kind === undefined) throw new ServiceError('InvalidArn', `Invalid Arn: 'Invalid ARN prefix: ${arn}'`);
  if (!kinds.includes(kind as Kind))
    throw new ServiceError('InvalidArn', `Invalid Arn: 'Resource type not valid in this context: ${kind}'`);
}

/** Of a machine, a version or an alias: the machine's own ARN, and what comes after it. */
export function machineParts(arn: string): { readonly machine: string; readonly qualifier: string | undefined } {
  checkArn(arn, 'stateMachine');
  const parts = arn.split(':');
  return { machine: parts.slice(0, 7).join(':'), qualifier: parts.length > 7 ? parts.slice(7).join(':') : undefined };
}
