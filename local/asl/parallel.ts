/** The Parallel state: every branch runs; the first that fails stops the others. */
import type { Branch, Outcome } from './branch.ts';
import { Data } from './data.ts';
import { Cancelled } from './error.ts';
import type { ParallelState } from './machine.ts';

export function runParallel(branch: Branch, state: ParallelState, input: Data): Promise<Outcome> {
  const attempt = async (retryCount: number): Promise<Outcome> => {
    const effective = await branch.effective(state, input);
    const bindings = branch.bindings(state, effective, { retryCount });
    const given = state.arguments === undefined ? effective : new Data(await branch.fill(state.arguments, bindings));
    branch.limit(given);
    const started = branch.add('ParallelStateStarted');
    const resumed = branch.takeResumed();
    const branches = state.branches.map(({ states }, index) => branch.child(states, started, branch.item, resumed?.[index]));
    branch.kept = branches;
    let last = started;
    const outputs = await all(branch, branches, async (child, index) => {
      const output = await child.run(state.branches[index]!.startAt, given);
      last = child.last;
      return output;
    });
    branch.follow(last);
    branch.addAside('ParallelStateSucceeded');
    const result = outputs.map(({ value }) => value);
    const data = new Data(result, `[${outputs.map(({ text }) => text).join(',')}]`);
    return branch.leave(state, branch.bindings(state, effective, { result, retryCount }), state, data);
  };
  return branch.handled(state, input, attempt, () => branch.add('ParallelStateFailed'));
}

/** Runs all of `children`; when one fails, it cancels the others and goes on from the event of the failure. */
async function all<T>(branch: Branch, children: readonly Branch[], run: (child: Branch, index: number) => Promise<T>): Promise<T[]> {
  let failed: { readonly error: unknown; readonly child: Branch } | undefined;
  const runs = children.map(async (child, index) => {
    try {
      return await run(child, index);
    } catch (error) {
      if (failed === undefined && !(error instanceof Cancelled)) {
        failed = { error, child };
        child.aborted();
        for (const other of children) if (other !== child) other.cancel();
      }
      return undefined;
    } finally {
      branch.children.delete(child);
    }
  });
  const results = await Promise.all(runs);
  if (branch.cancelled) throw new Cancelled();
  if (failed !== undefined) {
    branch.follow(failed.child.last);
    throw failed.error;
  }
  return results as T[];
}
