/**
 * Realms that a cleanly ended environment has left are cleaned and used again for the same code: what V8 has learned of it stays,
 * nothing else does. The module's own state is made anew, because its code is run anew.
 */
import { types } from 'node:util';
import type vm from 'node:vm';
import { runInRealm } from './bundle.ts';
import { createRealm, type Realm } from './realm.ts';

/** Time and chance of the environment that lives in a realm. */
export interface Tenant {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

type Wrapper = ReturnType<typeof runInRealm>;

/** Of one code, which has no more environments than this at once in most pipelines. */
const MOST = 4;

const empty: Tenant = {
  now: () => 0,
  random: () => {
    throw new Error('bug in local AWS: code of an ended Lambda environment still runs');
  },
};

/** A realm, and the functions that its compiled files are in it. */
export class Home {
  readonly realm: Realm;
  private tenant: Tenant = empty;
  private readonly wrappers = new Map<vm.Script, Wrapper>();

  constructor() {
    this.realm = createRealm({
      now: () => this.tenant.now(),
      random: () => this.tenant.random(),
      isNativeError: types.isNativeError,
    });
  }

  enter(tenant: Tenant): void {
    this.tenant = tenant;
  }

  /** The function that a compiled file is: the same each time, so that V8 knows it again. */
  wrapper(script: vm.Script): Wrapper {
    let wrapper = this.wrappers.get(script);
    if (wrapper === undefined) {
      wrapper = runInRealm(script, this.realm.context);
      this.wrappers.set(script, wrapper);
    }
    return wrapper;
  }

  /** @returns whether it is as it was when it was made */
  leave(): boolean {
    this.tenant = empty;
    return this.realm.tools.restore();
  }
}

const vacant = new Map<string, Home[]>();

/** @param code where the code is: what V8 has learned is of use for the same code only */
export function moveIn(code: string, tenant: Tenant): Home {
  const home = vacant.get(code)?.pop() ?? new Home();
  home.enter(tenant);
  return home;
}

/** For an environment that ended between invocations, with nothing of it still under way. */
export function moveOut(code: string, home: Home): void {
  const homes = vacant.get(code) ?? [];
  vacant.set(code, homes);
  if (homes.length < MOST && home.leave()) homes.push(home);
}
