/** Whether a request breaks no constraint: compiled for each structure, because almost every request does not. */
import { type Constraint, constraintAt, isSimple, javaExpression, sizeOf } from './constraints.ts';
import type { Shape, Structure } from './shape.ts';

type Test = (value: unknown) => boolean;

/** Whether there is nothing that `violations` would say of a request that fits its shape. */
export function satisfied(service: string, shape: Shape, input: object): boolean {
  return shape.kind !== 'structure' || testsOf(service).structure(shape)(input);
}

const services = new Map<string, Tests>();

function testsOf(service: string): Tests {
  let tests = services.get(service);
  if (tests === undefined) {
    tests = new Tests(service);
    services.set(service, tests);
  }
  return tests;
}

class Tests {
  private readonly service: string;
  private readonly compiled = new Map<Structure, Test>();

  constructor(service: string) {
    this.service = service;
  }

  structure(shape: Structure): Test {
    let test = this.compiled.get(shape);
    if (test === undefined) {
      test = this.compile(shape);
      this.compiled.set(shape, test);
    }
    return test;
  }

  private compile({ name: structure, members, required }: Structure): Test {
    const parts: { readonly name: string; readonly isRequired: boolean; readonly test: Test | undefined }[] = [];
    for (const [name, { shape }] of members) {
      const isRequired = required.includes(name);
      const test = this.value(shape, `${structure}.${name}`);
      if (isRequired || test !== undefined) parts.push({ name, isRequired, test });
    }
    return (value) =>
      parts.every(({ name, isRequired, test }) => {
        const one = (value as Record<string, unknown>)[name];
        return one === undefined || one === null ? !isRequired : test === undefined || test(one);
      });
  }

  /** Undefined where nothing is asked. */
  private value(shape: Shape, place: string): Test | undefined {
    return both(plainTest(constraintAt(this.service, place), shape), this.parts(shape, place));
  }

  /** What lies within a structure, list or map. */
  private parts(shape: Shape, place: string): Test | undefined {
    switch (shape.kind) {
      case 'structure':
        // Compiled when it is met: structures may hold themselves.
        return this.isFree(shape) ? undefined : (value) => this.structure(shape)(value);
      case 'list': {
        const item = this.value(shape.item.shape, `${place}[]`);
        const skipsNull = !isSimple(shape.item.shape);
        return item && ((values) => (values as readonly unknown[]).every((one) => (skipsNull && one === null) || item(one)));
      }
      case 'map': {
        const key = plainTest(constraintAt(this.service, `${place}{key}`), shape.key.shape);
        const value = this.value(shape.value.shape, `${place}{value}`);
        if (key === undefined && value === undefined) return undefined;
        return (map) =>
          Object.entries(map as object).every(
            ([name, one]) => one === undefined || ((key === undefined || key(name)) && (value === undefined || value(one))),
          );
      }
      default:
        return undefined;
    }
  }

  /** Whether nothing is asked of a structure, nor of any other that lies within it. */
  private isFree(shape: Structure, met = new Set<Structure>()): boolean {
    const isFree = (part: Shape, place: string): boolean => {
      if (plainTest(constraintAt(this.service, place), part) !== undefined) return false;
      if (part.kind === 'list') return isFree(part.item.shape, `${place}[]`);
      if (part.kind === 'map') return isFree(part.key.shape, `${place}{key}`) && isFree(part.value.shape, `${place}{value}`);
      return part.kind !== 'structure' || this.isFree(part, met);
    };
    if (met.has(shape)) return true;
    met.add(shape);
    return shape.required.length === 0 && [...shape.members].every(([name, member]) => isFree(member.shape, `${shape.name}.${name}`));
  }
}

/** For the value itself, without what lies within it. */
function plainTest(constraint: Constraint | undefined, shape: Shape): Test | undefined {
  const values = shape.kind === 'string' ? shape.values : undefined;
  return both(constraint && fits(constraint), values && ((value) => values.has(value as string)));
}

function fits({ min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, pattern }: Constraint): Test {
  const expression = pattern === undefined ? undefined : javaExpression(pattern);
  return (value) => {
    const size = sizeOf(value);
    return size >= min && size <= max && (expression === undefined || typeof value !== 'string' || expression.test(value));
  };
}

const both = (first: Test | undefined, second: Test | undefined): Test | undefined =>
  first && second ? (value) => first(value) && second(value) : (first ?? second);
