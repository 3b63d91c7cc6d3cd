/** Comes between: aborts executions, or does something else, at every state of a workflow, as it is entered, while its function works, and while it waits. */
import { readFileSync } from 'node:fs';
import { Branch } from '../../local/asl/branch.ts';
import type { Run } from '../../local/asl/run.ts';
import type { ObservedCall } from '../../local/core/faults.ts';
import type { Journey } from './journey.ts';

export type Workflow = 'release' | 'promotion' | 'wake' | 'teardown';

interface Definition {
  readonly States: Readonly<Record<string, StateDefinition>>;
}
interface StateDefinition {
  readonly Type: string;
  readonly Arguments?: { readonly FunctionName?: string };
  readonly ItemProcessor?: Definition;
  readonly Branches?: readonly Definition[];
}

/** As AWS would be told: when the state is entered; at the first write of its function, which goes on to its end; ten seconds later. */
export type Moment = 'entered' | 'at work' | 'waiting';

/** The states of a promotion that only those have whose traffic shifts. */
export const SHIFTING: readonly string[] = [
  'CheckTestListener',
  'WhatElseAtTheTestListener',
  'RunBuildAtTheTestListener',
  'IsConfirmationAsked',
  'RequestConfirmation',
  'ShiftTraffic',
  'CheckShift',
];

const TEN_SECONDS = 10_000;
const LOOKS = /^(Get|Query|Describe|List|BatchGet|Scan|AssumeRole|Invoke)/;

/** Every state of a workflow as its file has it, with the function that it calls. */
export function statesOf(workflow: Workflow): ReadonlyMap<string, string | undefined> {
  const file = new URL(`../../statemachines/${workflow}.asl.json`, import.meta.url);
  const states = new Map<string, string | undefined>();
  const read = ({ States }: Definition) => {
    for (const [name, { Arguments, ItemProcessor, Branches = [] }] of Object.entries(States)) {
      states.set(name, functionOf(Arguments?.FunctionName));
      for (const inner of [...(ItemProcessor ? [ItemProcessor] : []), ...Branches]) read(inner);
    }
  };
  read(JSON.parse(readFileSync(file, 'utf8')) as Definition);
  return states;
}

/** `${DeployServices}` is deploy-services. */
const functionOf = (placeholder: string | undefined) =>
  placeholder
    ?.replace(/[${}]/g, '')
    .replace(/(?<=.)[A-Z]/g, (letter) => `-${letter}`)
    .toLowerCase();

/** Stands beside every execution of one workflow, and strikes the first that comes to a place where none was struck yet. */
export class Aborter {
  /** `State, moment` of every strike so far. */
  readonly struck = new Set<string>();
  private readonly journey: Journey;
  private readonly machine: string;
  private readonly act: (execution: Run) => unknown;
  private readonly moments: readonly Moment[];
  private readonly functions: ReadonlyMap<string, string | undefined>;
  private armed = false;
  private last: string | undefined;
  private atWork: ((call: ObservedCall) => void) | undefined;
  private readonly original = Branch.prototype.visit;

  /** @param act what strikes; @default the execution is aborted, and what was wrong around it is over */
  constructor(journey: Journey, workflow: Workflow, act?: (execution: Run) => unknown) {
    this.journey = journey;
    this.act =
      act ??
      ((execution) => {
        execution.stop();
        this.listen();
      });
    this.moments = act === undefined ? ['entered', 'at work', 'waiting'] : ['entered', 'waiting'];
    this.machine = journey.local.machine(workflow).split(':').at(-1) ?? '';
    this.functions = statesOf(workflow);
    const { original } = this;
    const visited = (branch: Branch, state: string) => this.visited(branch, state);
    Branch.prototype.visit = function visit(state, input) {
      const outcome = original.call(this, state, input);
      visited(this, state.name);
      return outcome;
    };
    this.listen();
  }

  /** Where it has struck since it was armed, if anywhere. */
  get where(): string | undefined {
    return this.last;
  }

  /** Waits for the next execution. */
  arm(): void {
    this.armed = true;
    this.last = undefined;
  }

  /** Lets everything pass. @returns where it has struck since it was armed, if anywhere */
  disarm(): string | undefined {
    this.armed = false;
    this.atWork = undefined;
    return this.last;
  }

  /** Takes all faults away but this one, which never strikes and only listens. */
  listen(): void {
    const { faults } = this.journey.local.world;
    faults.clear();
    faults.add({
      kind: 'error-500',
      match: (call) => {
        this.atWork?.(call);
        return false;
      },
    });
  }

  close(): void {
    Branch.prototype.visit = this.original;
  }

  private visited(branch: Branch, state: string): void {
    const { execution } = branch;
    if (!this.armed || execution.context.StateMachine.Name !== this.machine || execution.end !== undefined) return;
    const strike = (moment: Moment) => {
      if (!this.armed || this.struck.has(`${state}, ${moment}`)) return;
      this.armed = false;
      this.atWork = undefined;
      this.last = `${state}, ${moment}`;
      this.struck.add(this.last);
      this.act(execution);
    };
    if (!this.struck.has(`${state}, entered`)) {
      strike('entered');
      return;
    }
    const works = this.functions.get(state);
    if (works !== undefined && this.moments.includes('at work') && !this.struck.has(`${state}, at work`))
      this.atWork = ({ invocation, caller, operation }) => {
        if (invocation !== undefined && caller.includes(works) && !LOOKS.test(operation)) strike('at work');
      };
    this.journey.local.clock.after(TEN_SECONDS, `${state} is looked at`, () => {
      if (execution.end === undefined && !branch.cancelled && branch.current?.name === state) strike('waiting');
    });
  }
}
