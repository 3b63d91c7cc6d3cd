/** The Resource of a Task state: which call it stands for, and whether the state waits for more than its answer. */

/** `sync2` is `.sync:2`: the same as `sync`, with the output of a nested execution parsed. */
export type Pattern = 'request' | 'sync' | 'sync2' | 'token';

export type Resource =
  | { readonly kind: 'lambda'; readonly arn: string }
  | { readonly kind: 'activity'; readonly arn: string }
  | {
      readonly kind: 'integration';
      /** `lambda`, `states`, `aws-sdk:ecs`: the history's `resourceType`. */
      readonly service: string;
      /** As written: `invoke`, `describeServices`. */
      readonly action: string;
      readonly pattern: Pattern;
      /** Action and pattern as the history names them: `invoke.waitForTaskToken`. */
      readonly name: string;
    };

const PATTERNS: Readonly<Record<string, Pattern>> = {
  '': 'request',
  '.sync': 'sync',
  '.sync:2': 'sync2',
  '.waitForTaskToken': 'token',
};

/** Undefined where the text is no resource of a state machine. */
export function parseResource(text: string): Resource | undefined {
  const integration = /^arn:[^:]+:states:[^:]*:[^:]*:((?:aws-sdk:)?[a-z0-9-]+):([A-Za-z0-9]+)(\.[A-Za-z:0-9]+)?$/.exec(text);
  if (integration !== null && integration[1] !== 'activity') {
    const [, service, action, suffix = ''] = integration as unknown as [string, string, string, string | undefined];
    const pattern = PATTERNS[suffix];
    return pattern === undefined ? undefined : { kind: 'integration', service, action, pattern, name: `${action}${suffix}` };
  }
  if (/^arn:[^:]+:states:[^:]+:[^:]+:activity:.+$/.test(text)) return { kind: 'activity', arn: text };
  if (/^arn:[^:]+:lambda:[^:]+:[^:]+:function:.+$/.test(text)) return { kind: 'lambda', arn: text };
  return undefined;
}
