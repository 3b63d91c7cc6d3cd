import { describe, expect, it } from 'vitest';
import { stateMachines } from './asl.ts';
import { eventPatterns, scheduleExpressions } from './events.ts';
import { recordings } from './folder.ts';

/** The recordings are not part of this repository: where they are not, there is nothing to compare. */
describe.runIf(recordings)('local AWS does what the real one was recorded to do', () => {
  it('in state machines', async () => {
    for (const { topic, differences } of await stateMachines(recordings!)) expect(differences, topic).toEqual([]);
  });

  it('in event patterns', () => {
    for (const { topic, differences } of eventPatterns(recordings!)) expect(differences, topic).toEqual([]);
  });

  it('in schedule expressions', () => {
    for (const { topic, differences } of scheduleExpressions(recordings!)) expect(differences, topic).toEqual([]);
  });
});
