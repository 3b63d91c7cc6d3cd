/** A method bound to its object and its arguments, as data: what waits for its moment can be saved, which a closure cannot. */

export class Bound {
  readonly of: object;
  readonly method: string;
  readonly given: readonly unknown[];

  constructor(of: object, method: string, given: readonly unknown[]) {
    this.of = of;
    this.method = method;
    this.given = given;
  }

  /** @param more arguments that are known only now; they come last */
  run(...more: readonly unknown[]): unknown {
    const method = (this.of as Readonly<Record<string, (...given: readonly unknown[]) => unknown>>)[this.method]!;
    return method.call(this.of, ...this.given, ...more);
  }
}

/** `bound(this, this.poll)`: calls `poll` when it is run. @throws Error where `method` is none of `of` by its name */
export function bound<First extends unknown[], More extends unknown[]>(
  of: object,
  method: (...given: [...First, ...More]) => unknown,
  ...given: First
): Bound {
  if ((of as Readonly<Record<string, unknown>>)[method.name] !== method)
    throw new Error(`${method.name} is no method of ${of.constructor.name}: it cannot be saved under that name`);
  return new Bound(of, method.name, given);
}

/** Either way to say what shall happen. A closure is for what nobody saves. */
export type Deferred = (() => unknown) | Bound;

/** Either way to say who is told of something. */
export type Listener<Given extends readonly unknown[], Result = unknown> = ((...given: Given) => Result) | Bound;

/** Tells a listener. */
export const tell = <Given extends readonly unknown[], Result>(listener: Listener<Given, Result>, ...given: Given): Result =>
  (listener instanceof Bound ? listener.run(...given) : listener(...given)) as Result;
