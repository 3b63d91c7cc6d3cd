/** The classes whose objects are part of a world's state, by the names under which they are saved. */

/** How the objects of a class are saved where it is not all of their fields. */
export interface Manner<One> {
  /** Fields that are not saved: what is in them ends with the process, or comes about again. */
  readonly forgets?: readonly (keyof One | (string & {}))[];
  /** What stands in the fields that are not saved, before anything else is read. */
  readonly instead?: () => object;
  /** Why an object cannot be saved at this moment; undefined where it can. */
  readonly refuses?: (one: One) => string | undefined;
}

type Constructor<One> = abstract new (...given: never[]) => One;

interface Kept {
  readonly name: string;
  readonly forgets: readonly string[];
  readonly instead: (() => object) | undefined;
  readonly refuses: ((one: never) => string | undefined) | undefined;
}

const ORDINARY: Kept = { name: 'Object', forgets: [], instead: undefined, refuses: undefined };

export class Classes {
  private readonly prototypes = new Map<string, object>();
  private readonly kept = new Map<object, Kept>();

  add<One extends object>(name: string, { prototype }: Constructor<One>, { forgets = [], instead, refuses }: Manner<One> = {}): this {
    if (this.prototypes.has(name)) throw new Error(`two classes are saved as ${name}`);
    this.prototypes.set(name, prototype);
    this.kept.set(prototype, { name, forgets: forgets.map(String), instead, refuses });
    return this;
  }

  /** Under which name objects such as this one are saved; undefined where they are not. */
  nameOf(one: object): string | undefined {
    return this.kept.get(Object.getPrototypeOf(one) as object)?.name;
  }

  prototype(name: string): object | undefined {
    return this.prototypes.get(name);
  }

  of(one: object): Kept {
    return this.kept.get(Object.getPrototypeOf(one) as object) ?? ORDINARY;
  }

  /** Why an object cannot be saved at this moment; undefined where it can. */
  refusal(one: object): string | undefined {
    return this.of(one).refuses?.(one as never);
  }
}
