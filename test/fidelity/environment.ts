/** Stands in for what the recorded account held beside the services that are judged: functions, and objects in buckets. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../local/core/clock.ts';
import { type Service, ServiceError } from '../../local/core/service.ts';

export interface Behaviour {
  readonly name: string;
  readonly arn: string;
  readonly behaviour: 'echo input' | 'return' | 'raise' | 'unsupported';
  readonly returns?: unknown;
  readonly raises?: Readonly<Record<string, unknown>>;
  readonly delaySeconds?: number;
  readonly reason?: string;
  /** The Python of its time wrote a space after each comma and colon of an error. */
  readonly spaced?: boolean;
}

export interface StoredObject {
  readonly bucket: string;
  readonly key: string;
  readonly body: string;
}

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

interface Invocation {
  readonly FunctionName: string;
  readonly Payload?: Uint8Array;
}

/** Lambda, with the functions that the recording tells of. */
export function functions(clock: Clock, lambdas: readonly Behaviour[]): Service {
  const find = (name: string) =>
    lambdas.find((lambda) => lambda.name === name || lambda.arn === name || lambda.arn === name.replace(/:\$LATEST$/, ''));
  return {
    operations: {
      Invoke: {
        authorize: ({ FunctionName }: Invocation) => [
          { action: 'lambda:InvokeFunction', resource: arnOf(find(FunctionName)?.arn ?? FunctionName) },
        ],
        handle: async ({ FunctionName, Payload }: Invocation) => {
          const found = find(FunctionName);
          if (found === undefined) throw new ServiceError('ResourceNotFoundException', `Function not found: ${FunctionName}`, 404);
          if (found.delaySeconds !== undefined)
            await new Promise<void>((resolve) => clock.after(found.delaySeconds! * 1000, 'a function answers', resolve));
          const answer = { StatusCode: 200, ExecutedVersion: '$LATEST' };
          switch (found.behaviour) {
            case 'raise':
              return {
                ...answer,
                FunctionError: 'Unhandled',
                Payload: found.spaced === true ? new TextEncoder().encode(pythonText(raised(found))) : bytes(raised(found)),
              };
            case 'return':
              return { ...answer, Payload: bytes(found.returns) };
            case 'echo input':
              return { ...answer, Payload: Payload ?? bytes({}) };
            case 'unsupported':
              throw new Error(`the judge has no such function: ${found.reason}`);
          }
        },
      },
    },
  };
}

/** JSON as Python's `json.dumps` writes it. */
function pythonText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonText).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, one]) => `${JSON.stringify(name)}: ${pythonText(one)}`)
    .join(', ')}}`;
}

/** Its request's id differs from call to call. */
function raised({ raises }: Behaviour): object {
  return raises?.requestId === undefined ? (raises ?? {}) : { ...raises, requestId: randomUUID() };
}

const arnOf = (name: string) => (name.startsWith('arn:') ? name : `arn:aws:lambda:us-east-1:111111111111:function:${name}`);

interface Place {
  readonly Bucket: string;
  readonly Key: string;
}

/** The part of S3 that a distributed Map reads its items with. */
export function objects(stored: readonly StoredObject[]): Service {
  return {
    operations: {
      GetObject: {
        authorize: ({ Bucket, Key }: Place) => [{ action: 's3:GetObject', resource: `arn:aws:s3:::${Bucket}/${Key}` }],
        handle: ({ Bucket, Key }: Place) => {
          const found = stored.find(({ bucket, key }) => bucket === Bucket && key === Key);
          if (found === undefined) throw new ServiceError('NoSuchKey', 'The specified key does not exist.', 404);
          return { Body: new TextEncoder().encode(found.body) };
        },
      },
    },
  };
}
