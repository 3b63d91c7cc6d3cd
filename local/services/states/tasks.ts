/** The operations with which whoever holds a task token answers. */
import type * as Api from '@aws-sdk/client-sfn';
import { Data, type Json, PAYLOAD_LIMIT } from '../../asl/data.ts';
import type { WaitingTask } from '../../asl/tokens.ts';
import { type Operation, type Permission, ServiceError } from '../../core/service.ts';
import type { StatesAccount } from './account.ts';
import { operation } from './call.ts';
import { complaint } from './syntax.ts';

export function taskOperations(states: StatesAccount): Readonly<Record<string, Operation>> {
  const anywhere = (action: string) => (): Permission[] => [{ action: `states:${action}`, resource: '*' }];

  /** @throws ServiceError TaskTimedOut, InvalidToken */
  const waiting = (token: string | undefined): WaitingTask => {
    const found = states.tokens.find(token ?? '');
    if (found === 'closed') throw new ServiceError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
    if (found === 'invalid') throw new ServiceError('InvalidToken', "Invalid Token: 'Invalid token'");
    return found;
  };

  return {
    SendTaskSuccess: operation<Api.SendTaskSuccessInput, Api.SendTaskSuccessOutput>(
      anywhere('SendTaskSuccess'),
      ({ taskToken, output = '' }) => {
        let value: Json;
        try {
          value = JSON.parse(output) as Json;
        } catch (error) {
          throw new ServiceError('InvalidOutput', `Invalid Output: '${complaint(output) ?? (error as Error).message}'`);
        }
        if (Buffer.byteLength(output) > PAYLOAD_LIMIT) throw new ServiceError('InvalidOutput', "Invalid Output: 'The output is too large'");
        waiting(taskToken).succeed(new Data(value, output));
        return {};
      },
    ),

    SendTaskFailure: operation<Api.SendTaskFailureInput, Api.SendTaskFailureOutput>(
      anywhere('SendTaskFailure'),
      ({ taskToken, error, cause }) => {
        waiting(taskToken).fail(error, cause);
        return {};
      },
    ),

    SendTaskHeartbeat: operation<Api.SendTaskHeartbeatInput, Api.SendTaskHeartbeatOutput>(
      anywhere('SendTaskHeartbeat'),
      ({ taskToken }) => {
        waiting(taskToken).heartbeat();
        return {};
      },
    ),
  };
}
