/** Where local AWS is known to differ from a recording, each with its reason. Whatever differs and is not here is a fault; so is what is here and agrees. */

/** By folder and name of the case. */
export const KNOWN: Readonly<Record<string, string>> = {
  'asl-neutral/services__invoke_json_values_0.0':
    'AWS keeps the number as the text 0.0 that the function sent; JSON.parse keeps its value, and writes 0.',
  'sfn-api/variable_references__base_variable_references_in_assign_templates_BASE_REFERENCE_IN_WAIT':
    'The recording has a word for a time in the place of the path in TimestampPath.',
  'events-api/events__put_target_id_validation':
    'What stands for the second id in the recording is shorter than the 64 characters that it was refused for.',
  'sqs-api/non_existent_queue': 'The last step speaks the protocol of forms, which the client of this language has not.',
  'dynamodb-api/dynamodb_create_table_with_partial_sse_specification': 'Local AWS has no KMS to describe the key.',
  'dynamodb-api/dynamodb_update_table_without_sse_specification_change': 'Local AWS has no KMS to describe the key.',
  'dynamodb-api/dynamodb_batch_execute_statement': 'Local AWS has no PartiQL.',
  'dynamodb-api/dynamodb_execute_transaction': 'Local AWS has no PartiQL.',
};

/** What AWS has begun to answer since, and older recordings cannot have. */
const SINCE: readonly { readonly date: string; readonly members: readonly string[]; readonly where: readonly string[] }[] = [
  // https://aws.amazon.com/about-aws/whats-new/2023/11/aws-step-functions-redrive-workflow-failures/
  {
    date: '2023-11-15',
    members: ['redriveCount', 'redriveStatus', 'redriveStatusReason', 'RedriveCount', 'RedriveStatus', 'RedriveStatusReason'],
    where: ['executionArn', 'ExecutionArn'],
  },
  // https://aws.amazon.com/about-aws/whats-new/2024/07/aws-step-functions-customer-managed-keys/
  { date: '2024-07-25', members: ['encryptionConfiguration'], where: ['stateMachineArn', 'activityArn'] },
];

/** An answer as AWS would have given it on the day of a recording. @param recorded day-month-year, time */
export function asOf<T>(recorded: string, answer: T): T {
  const [day, month, year] = recorded.slice(0, 10).split('-');
  const later = SINCE.filter(({ date }) => date > `${year}-${month}-${day}`);
  if (later.length === 0) return answer;
  const strip = (value: unknown): unknown => {
    if (typeof value === 'string' && /^\{.*"ExecutionArn"/s.test(value)) return JSON.stringify(strip(JSON.parse(value)));
    if (Array.isArray(value)) return value.map(strip);
    if (typeof value !== 'object' || value === null || value instanceof Date) return value;
    const gone = new Set(later.filter(({ where }) => where.some((name) => name in value)).flatMap(({ members }) => members));
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => !gone.has(name))
        .map(([name, one]) => [name, strip(one)]),
    );
  };
  return strip(answer) as T;
}
