import { describe, expect, it } from 'vitest';
import {
  beginWake,
  endTurn,
  type Program,
  recoverAll,
  type Taken,
  takeEnvironmentTurn,
  takeGroupTurn,
  wakeDone,
  wakeFailed,
} from '../../../domain/turn/protocol.ts';
import { chance, Scheduler, Store, ticket, type Wire } from './model.ts';

/** Histories in one run: 10,000 by default, a million before a release. */
const HISTORIES = Number(process.env.SHIPLOCK_TURN_HISTORIES ?? 10_000);

function run<Result>(store: Store, program: Program<Result>): Result {
  let next = program.next();
  while (!next.done) next = program.next(store.perform(next.value));
  return next.value;
}

describe('a group turn', () => {
  it('is held at once in a quiet environment', () => {
    const store = new Store();
    expect(run(store, takeGroupTurn('up', 'orders', ticket('orders/1', 1, '1')))).toEqual({ state: 'held', fence: 1 });
    expect(store.told.get('token-orders/1')).toMatchObject({ kind: 'granted', fence: 1 });
  });

  it('goes to the next when the first has ended', () => {
    const store = new Store();
    run(store, takeGroupTurn('up', 'orders', ticket('orders/1', 1, '1')));
    expect(run(store, takeGroupTurn('up', 'orders', ticket('orders/2', 2, '2'))).state).toBe('parked');
    run(store, endTurn('up', 'orders/1', 'orders'));
    expect(store.told.get('token-orders/2')).toMatchObject({ kind: 'granted', fence: 2 });
  });

  it('is superseded in the queue by a newer release of the same repository, not by an older', () => {
    const store = new Store();
    run(store, takeGroupTurn('up', 'orders', ticket('orders/1', 1, '1')));
    run(store, takeGroupTurn('up', 'orders', ticket('orders/2', 2, '2')));
    run(store, takeGroupTurn('up', 'orders', ticket('orders/3', 3, '3')));
    expect(store.told.get('token-orders/2')).toMatchObject({ kind: 'superseded' });
    expect(run(store, takeGroupTurn('up', 'orders', ticket('orders/2b', 4, '2'))).state).toBe('superseded');
    expect(store.told.has('token-orders/3')).toBe(false);
  });

  it('leaves what is being deployed to finish', () => {
    const store = new Store();
    run(store, takeGroupTurn('up', 'orders', ticket('orders/1', 1, '1')));
    run(store, takeGroupTurn('up', 'orders', ticket('orders/9', 2, '9')));
    expect(store.groups[0]?.holder).toMatchObject({ phase: 'held', ticket: { id: 'orders/1' } });
  });

  it('taken again with another token answers that one', () => {
    const store = new Store();
    const first = ticket('orders/1', 1, '1');
    run(store, takeGroupTurn('up', 'orders', first));
    run(store, takeGroupTurn('up', 'orders', { ...first, token: 'second' }));
    expect(store.told.get('second')).toMatchObject({ kind: 'granted', fence: 1 });
  });

  it('parks in an environment that is down, says so, and comes after the wake', () => {
    const store = new Store();
    expect(run(store, takeGroupTurn('down', 'orders', ticket('orders/1', 1, '1')))).toEqual({ state: 'parked', asleep: true });
    expect(run(store, beginWake('down', 'wake-1'))).toBe(true);
    expect(run(store, beginWake('down', 'wake-2'))).toBe(false);
    run(store, wakeDone('down'));
    expect(store.told.get('token-orders/1')).toMatchObject({ kind: 'granted' });
  });

  it('that is parked overnight gives way to a newer release', () => {
    const store = new Store();
    run(store, takeGroupTurn('down', 'orders', ticket('orders/1', 1, '1')));
    run(store, takeGroupTurn('down', 'orders', ticket('orders/2', 2, '2')));
    expect(store.told.get('token-orders/1')).toMatchObject({ kind: 'superseded' });
    run(store, beginWake('down', 'wake-1'));
    run(store, wakeDone('down'));
    expect(store.told.get('token-orders/2')).toMatchObject({ kind: 'granted' });
  });

  it('is refused with the reason when the wake fails', () => {
    const store = new Store();
    run(store, takeGroupTurn('down', 'orders', ticket('orders/1', 1, '1')));
    run(store, beginWake('down', 'wake-1'));
    run(store, wakeFailed('down', 'wake-1', 'no capacity'));
    expect(store.told.get('token-orders/1')).toMatchObject({ kind: 'refused', reason: 'no capacity' });
    expect(store.gate).toMatchObject({ state: 'down', nights: 1 });
  });

  it('is refused when the wake of its night dies before it begins, and the next one gets a wake of another name', () => {
    const store = new Store();
    run(store, takeGroupTurn('down', 'orders', ticket('orders/1', 1, '1')));
    run(store, wakeFailed('down', 'test-wake-0', 'it was aborted', 0));
    expect(store.told.get('token-orders/1')).toMatchObject({ kind: 'refused', reason: 'it was aborted' });
    expect(store.gate).toMatchObject({ state: 'down', nights: 1 });
  });

  it('is not refused by a wake that failed long ago', () => {
    const store = new Store();
    run(store, wakeFailed('down', 'test-wake-0', 'it was aborted', 0));
    run(store, takeGroupTurn('down', 'orders', ticket('orders/1', 1, '1')));
    run(store, beginWake('down', 'test-wake-1'));
    run(store, wakeFailed('down', 'test-wake-0', 'it was aborted', 0));
    expect(store.gate).toMatchObject({ state: 'waking', nights: 1 });
    run(store, wakeDone('down'));
    expect(store.told.get('token-orders/1')).toMatchObject({ kind: 'granted' });
  });
});

describe('the environment turn', () => {
  it('waits for who deploys, and lets nobody in meanwhile who came later', () => {
    const store = new Store();
    run(store, takeGroupTurn('up', 'orders', ticket('orders/1', 1)));
    expect(run(store, takeEnvironmentTurn('up', ticket('night', 2))).state).toBe('parked');
    expect(run(store, takeGroupTurn('up', 'catalog', ticket('catalog/1', 3))).state).toBe('parked');
    run(store, endTurn('up', 'orders/1', 'orders'));
    expect(store.told.get('token-night')).toMatchObject({ kind: 'granted', fence: 1 });
    expect(store.told.has('token-catalog/1')).toBe(false);
    run(store, endTurn('up', 'night', undefined, 'down'));
    expect(store.gate).toMatchObject({ state: 'down', nights: 1 });
    expect(store.told.has('token-catalog/1')).toBe(false);
  });

  it('is not given for an environment that is down', () => {
    const store = new Store();
    expect(run(store, takeEnvironmentTurn('down', ticket('night', 1)))).toEqual({ state: 'asleep' });
  });

  it('is given for one that is down and of which something still runs; whoever waits for its wake goes on waiting', () => {
    const store = new Store();
    run(store, takeGroupTurn('down', 'orders', ticket('orders/1', 1)));
    expect(run(store, takeEnvironmentTurn('down', ticket('night', 2), true))).toEqual({ state: 'held', fence: 1 });
    expect(run(store, beginWake('down', 'wake-1'))).toBe(false);
    run(store, endTurn('down', 'night', undefined, 'down'));
    expect(store.told.has('token-orders/1')).toBe(false);
    run(store, beginWake('down', 'wake-2'));
    run(store, wakeDone('down'));
    expect(store.told.get('token-orders/1')).toMatchObject({ kind: 'granted' });
  });
});

interface History {
  readonly groups: number;
  readonly violations: readonly string[];
}

/** One random history: tickets come and go, the environment goes down and is woken, everything crashes now and then. */
function history(seed: number, wire?: (random: () => number) => Wire): History {
  const random = chance(seed);
  const store = new Store(wire?.(random));
  const scheduler = new Scheduler(store, random, 0.04);
  const violations: string[] = [];
  const initial = random() < 0.3 ? 'down' : 'up';
  const groups = 1 + Math.floor(random() * 3);
  const planned: (() => unknown)[] = [];
  const ends = new Map<string, () => Program<unknown>>();
  const tickets = 2 + Math.floor(random() * 5);
  for (let index = 0; index < tickets; index++) {
    const group = `g${Math.floor(random() * groups)}`;
    const one = ticket(`${group}/${index}`, index, random() < 0.7 ? String(Math.floor(random() * 9)) : undefined);
    ends.set(one.id, () => endTurn(initial, one.id, group));
    planned.push(() => scheduler.add(() => takeGroupTurn(initial, group, one)));
    // An execution may be aborted at any moment, its taking still under way.
    if (random() < 0.2) planned.push(() => scheduler.add(() => endTurn(initial, one.id, group)));
  }
  for (let index = 0; index < 2; index++) {
    if (random() < 0.5) continue;
    const one = ticket(`x${index}`, Math.floor(random() * tickets));
    ends.set(one.id, () => endTurn(initial, one.id, undefined, random() < 0.5 ? 'down' : 'up'));
    const evenIfDown = random() < 0.3;
    planned.push(() => scheduler.add(() => takeEnvironmentTurn(initial, one, evenIfDown) as Program<Taken>));
    if (random() < 0.2) planned.push(() => scheduler.add(() => endTurn(initial, one.id)));
  }
  // A night has one wake, under a name of its own; some die before they begin, or fail after.
  const wakes = new Set<number>();
  const isDown = () => (store.gate?.state ?? initial) === 'down';
  const wake = () => {
    const night = store.gate?.nights ?? 0;
    if (wakes.has(night)) return false;
    wakes.add(night);
    const execution = `wake-${night}`;
    const fate = random();
    let begun = fate < 0.2;
    scheduler.add(function* () {
      begun ||= yield* beginWake(initial, execution);
      if (begun) yield* fate < 0.35 ? wakeFailed(initial, execution, 'it died', night) : wakeDone(initial);
    });
    return true;
  };
  for (let index = 0; index < 3; index++) if (random() < 0.4) planned.push(() => isDown() && wake());
  const holders = new Set<string>();
  const fences = new Map<string, number>();
  const seen = new Set<string>();
  const grants = new Map<string, string>();
  const observe = () => {
    const held = store.groups.filter(({ holder }) => holder?.phase === 'held');
    const exclusive = store.gate?.exclusive?.phase === 'held' ? store.gate.exclusive : undefined;
    if (exclusive && held.some(({ holder }) => !store.dead.has(holder!.ticket.id) && !store.dead.has(exclusive.ticket.id)))
      violations.push(`${seed}: a group beside ${exclusive.ticket.id}`);
    for (const turns of store.groups) {
      const before = fences.get(turns.group) ?? 0;
      if (turns.fence < before) violations.push(`${seed}: the fence of ${turns.group} fell`);
      fences.set(turns.group, turns.fence);
    }
    for (const [token, answer] of store.told) {
      if (seen.has(token)) continue;
      seen.add(token);
      const id = answer.ticket;
      if (answer.kind !== 'granted') {
        // Its execution ends, and ends its ticket.
        if (!store.dead.has(id)) scheduler.add(ends.get(id)!);
        continue;
      }
      const group = id.includes('/') ? id.split('/')[0] : undefined;
      // A fence tells one turn from every other.
      const fence = `${group ?? ''}#${answer.fence}`;
      if ((grants.get(fence) ?? id) !== id) violations.push(`${seed}: ${id} has the fence of ${grants.get(fence)}`);
      grants.set(fence, id);
      const live = [...holders].filter((other) => !store.dead.has(other));
      // Whoever was told may hold until it is buried: two who may at once are the violation.
      if (!store.dead.has(id))
        for (const other of live) {
          const otherGroup = other.includes('/') ? other.split('/')[0] : undefined;
          if (other !== id && (group === undefined || otherGroup === undefined || group === otherGroup))
            violations.push(`${seed}: ${id} beside ${other}`);
        }
      holders.add(id);
    }
  };
  const settle = (limit: number) => {
    for (let step = 0; scheduler.busy && step < limit; step++) {
      scheduler.step();
      observe();
    }
    if (scheduler.busy) violations.push(`${seed}: it never comes to rest`);
  };
  while (planned.length > 0 || scheduler.busy) {
    if (planned.length > 0 && (random() < 0.15 || !scheduler.busy)) planned.splice(Math.floor(random() * planned.length), 1)[0]!();
    else scheduler.step();
    observe();
    // Whoever holds ends some time, also while others are under way.
    for (const id of holders)
      if (!store.dead.has(id) && random() < 0.05) {
        holders.delete(id);
        scheduler.add(ends.get(id)!);
      }
  }
  // What is left ends one after the other; a night is woken. Then nobody may wait.
  for (let round = 0; round < 40; round++) {
    store.flush();
    observe();
    const open = [...holders].filter((id) => !store.dead.has(id));
    if (isDown()) {
      if (!wake()) {
        violations.push(`${seed}: the wake of this night is spent, nothing wakes it`);
        break;
      }
    } else if (open.length > 0) {
      holders.delete(open[0]!);
      scheduler.add(ends.get(open[0]!)!);
    } else if (!scheduler.busy) break;
    settle(5_000);
  }
  store.flush();
  observe();
  for (const { group, holder, waiting } of store.groups)
    for (const left of [...(holder ? [holder.ticket] : []), ...waiting])
      if (!store.dead.has(left.id) && !store.told.has(left.token)) violations.push(`${seed}: ${left.id} waits for ever in ${group}`);
  const exclusive = store.gate?.exclusive;
  if (exclusive && exclusive.phase !== 'held' && !store.dead.has(exclusive.ticket.id))
    violations.push(`${seed}: ${exclusive.ticket.id} waits for ever`);
  return { groups, violations };
}

describe('the protocol', () => {
  it(`holds in ${HISTORIES} random histories with crashes`, { timeout: 600_000 }, () => {
    const violations: string[] = [];
    for (let seed = 1; seed <= HISTORIES && violations.length < 5; seed++) violations.push(...history(seed).violations);
    expect(violations).toEqual([]);
  });

  /** What a drain sees when it is kept from draining. */
  const SOMEBODY_HOLDS = [{ version: 1, group: 'nobody', fence: 1, holder: { phase: 'held', ticket: ticket('nobody/0', 0) }, waiting: [] }];

  /** Mistakes planted between the programs and the store: the check must notice each. */
  const mistakes: Readonly<Record<string, (random: () => number) => Wire>> = {
    'a barrier of one phase': () => (effect, perform) => {
      if (effect.op === 'put' && effect.key.item === 'gate' && 'queue' in effect.item && effect.item.exclusive?.phase === 'closing') {
        const { exclusive } = effect.item;
        const fence = effect.item.fence + 1;
        const answer = { token: exclusive.ticket.token, kind: 'granted', fence, ticket: exclusive.ticket.id } as const;
        const done = perform({
          ...effect,
          item: { ...effect.item, fence, state: 'tearing-down', exclusive: { ...exclusive, phase: 'held', fence } },
          answers: [answer],
        });
        if (done) perform({ op: 'send', answer });
        return done;
      }
      return perform(effect);
    },
    'no tombstone': () => (effect, perform) => (effect.op === 'dead' ? false : perform(effect)),
    'no condition on the write': () => (effect, perform) => {
      if (effect.op !== 'put') return perform(effect);
      const now = perform({ op: 'get', key: effect.key }) as { version: number } | undefined;
      return perform({ ...effect, expect: now?.version ?? 0 });
    },
    'those who are entering are not seen': () => (effect, perform) => {
      const answer = perform(effect);
      if (effect.op !== 'groups') return answer;
      return (answer as { holder?: { phase: string } }[]).filter(({ holder }) => holder?.phase !== 'entering');
    },
    'no drain at all': () => (effect, perform) => (effect.op === 'groups' ? SOMEBODY_HOLDS : perform(effect)),
    'no drain when a turn ends':
      () =>
      (effect, perform, { ending }) =>
        effect.op === 'groups' && ending ? SOMEBODY_HOLDS : perform(effect),
    'no drain when a crashed run starts again':
      () =>
      (effect, perform, { again }) =>
        effect.op === 'groups' && again ? SOMEBODY_HOLDS : perform(effect),
    'a fence that does not grow': () => (effect, perform) => {
      if (effect.op !== 'put' || !('group' in effect.item) || effect.item.holder?.phase !== 'held') return perform(effect);
      const before = perform({ op: 'get', key: effect.key }) as { fence: number } | undefined;
      return perform({ ...effect, item: { ...effect.item, fence: before?.fence ?? 0 } });
    },
    'a wake that dies before it begins and leaves its name': () => (effect, perform) => {
      if (effect.op !== 'put' || !('queue' in effect.item) || effect.item.state !== 'down') return perform(effect);
      const before = perform({ op: 'get', key: effect.key }) as { state: string; nights: number } | undefined;
      return perform(before?.state === 'down' || !before ? { ...effect, item: { ...effect.item, nights: before?.nights ?? 0 } } : effect);
    },
    'a turn taken at once, whatever has become of the barrier': () => (effect, perform) => {
      if (effect.op !== 'enter') return perform(effect);
      const now = perform({ op: 'get', key: { item: 'gate' } }) as { version: number } | undefined;
      return perform({ ...effect, gate: now?.version ?? 0 });
    },
    'a turn taken at once by one that is buried': () => (effect, perform) =>
      perform(effect.op === 'enter' ? { ...effect, ticket: 'somebody who lives' } : effect),
    'a turn given back at once, whoever has come to wait': () => (effect, perform) => {
      if (effect.op !== 'leave') return perform(effect);
      const now = perform({ op: 'see', group: effect.item.group }) as { turns?: { version: number }; gate?: { version: number } };
      return perform({ ...effect, expect: now.turns?.version ?? 0, gate: now.gate?.version ?? 0 });
    },
    'an answer that is neither written down nor sent': (random) => (effect, perform) => {
      if (effect.op === 'put' && random() < 0.3) return perform({ ...effect, answers: [] });
      return effect.op === 'send' && random() < 0.3 ? undefined : perform(effect);
    },
  };

  for (const [mistake, wire] of Object.entries(mistakes))
    it(`is seen to break with ${mistake}`, { timeout: 120_000 }, () => {
      const violations: string[] = [];
      for (let seed = 1; seed <= 4_000 && violations.length === 0; seed++) {
        try {
          violations.push(...history(seed, wire).violations);
        } catch (error) {
          violations.push(String(error));
        }
      }
      expect(violations.length).toBeGreaterThan(0);
    });

  it('lets on whoever a crash left behind, when the sweep settles all', () => {
    const store = new Store();
    run(store, takeGroupTurn('up', 'orders', ticket('orders/1', 1)));
    run(store, takeGroupTurn('up', 'orders', ticket('orders/2', 2)));
    // The end crashes right after the tombstone.
    store.perform({ op: 'bury', ticket: 'orders/1' });
    run(store, endTurn('up', 'orders/1', 'orders'));
    run(store, recoverAll('up'));
    expect(store.told.get('token-orders/2')).toMatchObject({ kind: 'granted' });
  });
});
