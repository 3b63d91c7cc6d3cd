import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { lintDefinition, refusal } from '../../../local/asl/lint.ts';

/** A second opinion; it comes without types. */
const asl = createRequire(import.meta.url)('asl-validator') as (definition: unknown) => { readonly isValid: boolean };

const task = (more: object = {}) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: 'f' },
  End: true,
  ...more,
});
const machine = (states: Record<string, object>, more: object = {}) => ({
  QueryLanguage: 'JSONata',
  StartAt: Object.keys(states)[0],
  States: states,
  ...more,
});
const pass = { Type: 'Pass', End: true };
const output = (Output: unknown) => machine({ A: { ...pass, Output } });

/** What is found, as `severity location message`. */
const found = (definition: unknown, type?: 'EXPRESS') =>
  lintDefinition(definition, type).map(({ severity, location, message }) => `${severity} ${location} ${message}`);

/** Each mistake planted alone: where it is found, and words of the message. */
const MISTAKES: Readonly<Record<string, readonly [definition: unknown, location: string, words: string]>> = {
  'no object': ['[]', '', 'must be a valid JSON object'],
  'no states': [{ StartAt: 'A' }, '/', '[States]'],
  'an unknown field of the machine': [machine({ A: pass }, { Foo: 1 }), '/', "'Foo' is not supported"],
  'an unknown field of a state': [machine({ A: { ...pass, Foo: 1 } }), '/States/A', "'Foo' is not supported by a Pass state"],
  'a field of JSONPath': [
    machine({ A: { ...pass, InputPath: '$.a' } }),
    '/States/A',
    "'InputPath' is not supported when QueryLanguage is 'JSONata'",
  ],
  'a template of JSONPath that is none': [
    { StartAt: 'A', States: { A: { ...pass, Parameters: { 'x.$': 'a' } } } },
    '/States/A/Parameters/x.$',
    'must be a valid JSONPath',
  ],
  'a field of JSONata without QueryLanguage': [
    { StartAt: 'A', States: { A: { ...pass, Output: {} } } },
    '/States/A',
    "'Output' is not supported",
  ],
  'a missing target': [machine({ A: { Type: 'Pass', Next: 'B' } }), '/States/A/Next', "Missing 'Next' target: B"],
  'a missing target of a catcher': [
    machine({ A: task({ Catch: [{ ErrorEquals: ['X'], Next: 'B' }] }) }),
    '/States/A/Catch[0]/Next',
    'target: B',
  ],
  'a state that nothing leads to': [machine({ A: pass, B: pass }), '/States/B', 'not reachable'],
  'no way on': [machine({ A: { Type: 'Pass' } }), '/States/A', "'Next' or 'End'"],
  'two ways on': [machine({ A: { Type: 'Pass', Next: 'B', End: true }, B: pass }), '/States/A', 'cannot both be set'],
  'a broken expression': [output('{% 1 + %}'), '/States/A/Output', 'cannot be parsed'],
  'an open expression': [output('{% 1'), '/States/A/Output', 'not closed'],
  'the result in Arguments': [
    machine({ A: task({ Arguments: { FunctionName: '{% $states.result %}' } }) }),
    '/States/A/Arguments/FunctionName',
    '$states.result is not accessible',
  ],
  'the result in a Pass': [output('{% $states.result %}'), '/States/A/Output', '$states.result is not accessible'],
  'the error outside Catch': [machine({ A: task({ Output: '{% $states.errorOutput %}' }) }), '/States/A/Output', 'in Catch only'],
  'the result in Catch': [
    machine({ A: task({ Catch: [{ ErrorEquals: ['X'], Output: '{% $states.result %}', Next: 'A' }] }) }),
    '/States/A/Catch[0]/Output',
    'not accessible',
  ],
  'a top-level $': [output('{% $.a %}'), '/States/A/Output', "'$' cannot be used at the top level"],
  'a top-level $$': [output('{% $$ %}'), '/States/A/Output', "'$$' cannot be used at the top level"],
  'an unqualified name': [output('{% input.a %}'), '/States/A/Output', "'input' cannot be used unqualified"],
  $eval: [output("{% $eval('1') %}"), '/States/A/Output', '$eval is not supported'],
  'assigning $states': [machine({ A: { ...pass, Assign: { states: 1 } } }), '/States/A/Assign', 'reserved'],
  'a bad variable name': [machine({ A: { ...pass, Assign: { 'a-b': 1 } } }), '/States/A/Assign', 'not a valid variable name'],
  'a heartbeat as long as the timeout': [machine({ A: task({ TimeoutSeconds: 5, HeartbeatSeconds: 5 }) }), '/States/A', 'must be smaller'],
  'a timeout of zero': [machine({ A: task({ TimeoutSeconds: 0 }) }), '/States/A/TimeoutSeconds', 'from 1 to'],
  'States.ALL with others': [
    machine({ A: task({ Retry: [{ ErrorEquals: ['States.ALL', 'X'] }] }) }),
    '/States/A/Retry[0]/ErrorEquals',
    'must appear alone',
  ],
  'States.ALL before others': [
    machine({ A: task({ Retry: [{ ErrorEquals: ['States.ALL'] }, { ErrorEquals: ['X'] }] }) }),
    '/States/A/Retry[0]/ErrorEquals',
    'last',
  ],
  'an interval of zero': [
    machine({ A: task({ Retry: [{ ErrorEquals: ['X'], IntervalSeconds: 0 }] }) }),
    '/States/A/Retry[0]/IntervalSeconds',
    'from 1 to',
  ],
  'a rate below one': [
    machine({ A: task({ Retry: [{ ErrorEquals: ['X'], BackoffRate: 0.5 }] }) }),
    '/States/A/Retry[0]/BackoffRate',
    'at least 1.0',
  ],
  '.sync on a function': [
    machine({ A: task({ Resource: 'arn:aws:states:::lambda:invoke.sync' }) }),
    '/States/A/Resource',
    'no such pattern',
  ],
  '.sync on an SDK call': [
    machine({ A: task({ Resource: 'arn:aws:states:::aws-sdk:ecs:runTask.sync' }) }),
    '/States/A/Resource',
    'SDK integrations have no .sync',
  ],
  'an unknown integration': [
    machine({ A: task({ Resource: 'arn:aws:states:::lambda:call' }) }),
    '/States/A/Resource',
    'lambda has lambda:invoke',
  ],
  'a misnamed SDK service': [
    machine({ A: task({ Resource: 'arn:aws:states:::aws-sdk:events:putRule' }) }),
    '/States/A/Resource',
    'called eventbridge',
  ],
  'no resource at all': [machine({ A: task({ Resource: 'do it' }) }), '/States/A/Resource', 'not recognized'],
  'a missing parameter': [machine({ A: task({ Arguments: { Payload: 1 } }) }), '/States/A/Arguments', "'FunctionName' is required"],
  'a parameter in small letters': [
    machine({ A: task({ Resource: 'arn:aws:states:::aws-sdk:ecs:describeServices', Arguments: { services: [] } }) }),
    '/States/A/Arguments',
    'start with a capital',
  ],
  'credentials without a role': [machine({ A: task({ Credentials: {} }) }), '/States/A/Credentials', "'RoleArn' is required"],
  'a time without an offset': [
    machine({ A: { Type: 'Wait', Timestamp: '2026-01-01T00:00:00', End: true } }),
    '/States/A/Timestamp',
    'RFC3339',
  ],
  'two ways to wait': [
    machine({ A: { Type: 'Wait', Timestamp: '2026-01-01T00:00:00Z', Seconds: 1, End: true } }),
    '/States/A',
    'Exactly one',
  ],
  'a choice without rules': [
    machine({ A: { Type: 'Choice', Choices: [], Default: 'B' }, B: pass }),
    '/States/A/Choices',
    'cannot be empty',
  ],
  'no branches': [machine({ A: { Type: 'Parallel', Branches: [], End: true } }), '/States/A/Branches', 'cannot be empty'],
  'a mistake inside a Map': [
    machine({ A: { Type: 'Map', ItemProcessor: { StartAt: 'B', States: { B: { Type: 'Pass', Next: 'C' } } }, End: true } }),
    '/States/A/ItemProcessor/States/B/Next',
    'target: C',
  ],
  'batches of an inline Map': [
    machine({ A: { Type: 'Map', ItemBatcher: {}, ItemProcessor: { StartAt: 'B', States: { B: pass } }, End: true } }),
    '/States/A',
    'DISTRIBUTED only',
  ],
  'an unknown type': [
    machine({ A: { Type: 'Passs', End: true } }),
    '/States/A/Type',
    '[Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]',
  ],
};

describe('the lint of definitions', () => {
  it.each(Object.entries(MISTAKES))('refuses %s, and says where', (_, [definition, location, words]) => {
    const errors = lintDefinition(definition).filter(({ severity }) => severity === 'ERROR');
    expect(errors.map((one) => one.location)).toContain(location);
    expect(errors.map(({ message }) => message).join('\n')).toContain(words);
    expect(refusal(errors)).toMatch(/^Invalid State Machine Definition: '/);
  });

  it('finds one mistake where there is one', () => {
    for (const [name, [definition]] of Object.entries(MISTAKES)) {
      const errors = lintDefinition(definition).filter(({ severity }) => severity === 'ERROR');
      // A missing target is also missing from what can be reached; a field that AWS names is named once.
      expect([name, errors.length]).toEqual([name, 1]);
    }
  });

  it('finds what the schema of asl-validator finds', () => {
    // It knows nothing of refusals that are written in words only.
    for (const [name, [definition]] of Object.entries(MISTAKES)) {
      if (typeof definition === 'string') continue;
      const theirs = asl(definition);
      if (!theirs.isValid) expect([name, refusal(lintDefinition(definition))]).not.toEqual([name, undefined]);
    }
  });

  it('takes a right machine of every type of state', () => {
    const right = machine({
      A: { Type: 'Pass', Assign: { n: 1, f: '{% function($x){ $x + $n } %}' }, Next: 'B' },
      B: {
        Type: 'Map',
        Items: "{% $states.input.all[kind = 'a'].{ 'name': name, 'parent': $n } %}",
        ItemSelector: '{% $states.context.Map.Item.Value %}',
        ItemProcessor: { StartAt: 'I', States: { I: task({ Output: '{% $states.result.Payload ~> $string %}' }) } },
        Catch: [{ ErrorEquals: ['States.ALL'], Assign: { why: '{% $states.errorOutput %}' }, Next: 'F' }],
        Output: '{% ($sorted := $sort($states.result, function($l, $r) { $l > $r }); $sorted#$i.{ "at": $i, "it": $ }) %}',
        Next: 'C',
      },
      C: { Type: 'Choice', Choices: [{ Condition: '{% $n > 1 and $exists($why) = false %}', Next: 'W' }], Default: 'P' },
      W: { Type: 'Wait', Seconds: 1, Next: 'S' },
      P: { Type: 'Parallel', Branches: [{ StartAt: 'X', States: { X: pass } }], Next: 'S' },
      S: { Type: 'Succeed', Output: '{% $uuid() & $now() & $hash("a", "SHA-256") %}' },
      F: { Type: 'Fail', Error: 'Broken', Cause: '{% $string($why.Cause) %}' },
    });
    expect(found(right)).toEqual([]);
  });

  it('warns of what AWS takes and what would then fail: unknown variables, functions and errors', () => {
    expect(found(output('{% $unknown %}'))).toEqual([
      "WARNING /States/A/Output No state assigns the variable $unknown used in the JSONata expression '$unknown'",
    ]);
    expect(found(output('{% $randomSeeded(1) %}'))[0]).toContain('There is no function $randomSeeded');
    expect(found(machine({ A: task({ Retry: [{ ErrorEquals: ['States.TimeOut'] }] }) }))[0]).toContain(
      "There is no error 'States.TimeOut'",
    );
    expect(found(output('{% $states.inputs %}'))[0]).toContain("$states has no field 'inputs'");
  });

  it('knows that a distributed Map sees no variables of its machine', () => {
    const inner = (Mode: string) =>
      found(
        machine({
          A: { Type: 'Pass', Assign: { n: 1 }, Next: 'B' },
          B: {
            Type: 'Map',
            ItemProcessor: { ProcessorConfig: { Mode }, StartAt: 'C', States: { C: { ...pass, Output: '{% $n %}' } } },
            End: true,
          },
        }),
      );
    expect(inner('INLINE')).toEqual([]);
    expect(inner('DISTRIBUTED')).toHaveLength(1);
  });

  it('refuses waiting patterns in an EXPRESS machine', () => {
    const definition = machine({
      A: task({
        Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
        Arguments: { FunctionName: 'f', Payload: '{% $states.context.Task.Token %}' },
      }),
    });
    expect(found(definition)).toEqual([]);
    expect(found(definition, 'EXPRESS')[0]).toContain("Express state machine does not support '.waitForTaskToken'");
  });
});
