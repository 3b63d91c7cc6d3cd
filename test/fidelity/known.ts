/** Where local AWS is known to differ from a recording, each with its reason. Whatever differs and is not here is a fault; so is what is here and agrees. */

/** By folder and name of the case. */
export const KNOWN: Readonly<Record<string, string>> = {
  'asl-neutral/services__invoke_json_values_0.0':
    'AWS keeps the number as the text 0.0 that the function sent; JSON.parse keeps its value, and writes 0.',
  'asl-callbacks/callback__start_execution_sync': 'Recorded in June 2023, before executions told of redriving.',
  'asl-callbacks/callback__start_execution_sync2': 'Recorded in June 2023, before executions told of redriving.',
  'asl-callbacks/callback__start_execution_sync_delegate_failure': 'Recorded in June 2023, before executions told of redriving.',
};
