/** Which code runs which type of state. */
import type { Enter } from './branch.ts';
import { runMap } from './map.ts';
import { runParallel } from './parallel.ts';
import { choose, runFail, runPass, runSucceed, runWait } from './simple.ts';
import { runTask } from './task.ts';

/** Runs a state that a branch has entered. @throws StateError, Cancelled */
export const enter: Enter = (branch, state, input) => {
  switch (state.type) {
    case 'Pass':
      return runPass(branch, state, input);
    case 'Choice':
      return choose(branch, state, input);
    case 'Wait':
      return runWait(branch, state, input);
    case 'Succeed':
      return runSucceed(branch, state, input);
    case 'Fail':
      return runFail(branch, state, input);
    case 'Task':
      return runTask(branch, state, input);
    case 'Parallel':
      return runParallel(branch, state, input);
    case 'Map':
      return runMap(branch, state, input);
  }
};
