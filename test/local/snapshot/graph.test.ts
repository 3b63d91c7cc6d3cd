import { describe, expect, it } from 'vitest';
import { Bound, bound } from '../../../local/core/bound.ts';
import { MemoryBlobs } from '../../../local/snapshot/blobs.ts';
import { Classes } from '../../../local/snapshot/classes.ts';
import { decode } from '../../../local/snapshot/decode.ts';
import { encode, UnsavableError } from '../../../local/snapshot/encode.ts';

class Tank {
  level = 0;
  readonly neighbours = new Set<Tank>();
  spare: unknown;

  fill(litres: number, more = 0): number {
    this.level += litres + more;
    return this.level;
  }
}

/** Made by its constructor, with closures that know it. */
class House {
  readonly tanks = new Map<string, Tank>();
  readonly operations = { count: () => this.tanks.size };
  readonly hosts = new Map<string, () => string>([['own', () => this.name]]);
  name = 'new';
  readonly cache: object[] = [];
}

class Fixed {
  broken = false;
}

const classes = new Classes()
  .add('Tank', Tank)
  .add('Bound', Bound)
  .add('House', House, { forgets: ['cache'] })
  .add('Fixed', Fixed, { refuses: ({ broken }) => (broken ? 'it is broken' : undefined) });

/** What comes back by way of text. */
function again<Root extends object>(root: Root, fresh: Root): Root {
  const blobs = new MemoryBlobs();
  const graph = JSON.parse(JSON.stringify(encode(root, fresh, classes, blobs)));
  decode(graph, fresh, classes, blobs);
  return fresh;
}

describe('a graph of objects that is saved and loaded', () => {
  it('comes back with its values, of every kind', () => {
    const value = {
      nothing: undefined,
      none: null,
      text: 'å',
      numbers: [1.5, -0, Number.NaN, Number.POSITIVE_INFINITY],
      large: 12n ** 30n,
      when: new Date(1_795_417_200_000),
      bytes: new Uint8Array([0, 255, 3]),
      buffer: Buffer.from('abc'),
      many: new Uint8Array(100_000).fill(7),
      map: new Map<unknown, unknown>([
        ['a', 1],
        [{ key: true }, new Set([1, 'x'])],
      ]),
      bare: Object.assign(Object.create(null) as object, { a: 1 }),
      nested: [[[], [{}]], 'last'],
    };
    const found = again({ value }, { value: undefined as never });
    expect(found.value).toStrictEqual(value);
    expect(Object.is(found.value.numbers[1], -0)).toBe(true);
    expect(Buffer.isBuffer(found.value.buffer)).toBe(true);
    expect(Object.hasOwn(found.value, 'nothing')).toBe(true);
    expect(Object.getPrototypeOf(found.value.bare)).toBeNull();
  });

  it('comes back with its circles, and with what is shared still shared', () => {
    const [a, b] = [new Tank(), new Tank()];
    a.neighbours.add(b);
    b.neighbours.add(a);
    b.spare = { of: a, times: [a, a] };
    const found = again({ a, b }, { a: undefined as never, b: undefined as never });
    expect(found.a).toBeInstanceOf(Tank);
    expect([...found.a.neighbours]).toEqual([found.b]);
    expect([...found.b.neighbours][0]).toBe(found.a);
    const { of, times } = found.b.spare as { of: Tank; times: Tank[] };
    expect(of).toBe(found.a);
    expect(times[1]).toBe(found.a);
  });

  it('keeps a name that prototypes have an ordinary member', () => {
    const odd = JSON.parse('{"__proto__":{"level":1},"constructor":2}') as object;
    const found = again({ odd }, { odd: undefined as never });
    expect(Object.keys(found.odd)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(found.odd)).toBe(Object.prototype);
  });

  it('calls what waits for its moment on the objects that were loaded', () => {
    const tank = new Tank();
    const waiting = bound(tank, tank.fill, 2);
    const found = again({ tank, waiting }, { tank: undefined as never, waiting: undefined as never });
    expect(found.waiting.run(3)).toBe(5);
    expect(found.tank.level).toBe(5);
    expect(tank.level).toBe(0);
  });

  it('leaves closures as the new object has made them, and fills that object', () => {
    const house = new House();
    house.name = 'old';
    house.tanks.set('one', new Tank());
    house.cache.push({});
    const fresh = new House();
    fresh.cache.push('kept as it was' as never);
    const found = again({ house }, { house: fresh }).house;
    expect(found).toBe(fresh);
    expect(found.operations.count()).toBe(1);
    expect(found.hosts.get('own')!()).toBe('old');
    expect(found.cache).toEqual(['kept as it was']);
  });

  it('is refused with every place that cannot be saved, and why', () => {
    const broken = Object.assign(new Fixed(), { broken: true });
    const root = { tanks: [{ on: () => undefined }], later: Promise.resolve(), broken };
    const error = (() => {
      try {
        encode(root, {}, classes, new MemoryBlobs());
        return undefined;
      } catch (thrown) {
        return thrown as UnsavableError;
      }
    })();
    expect(error).toBeInstanceOf(UnsavableError);
    expect(error!.places).toEqual(['.tanks[0].on (a function)', '.later (a Promise)', '.broken (it is broken)']);
  });

  it('is refused where a bound method has another name than its object knows it by', () => {
    const tank = new Tank();
    const arrow = (litres: number) => tank.fill(litres);
    expect(() => bound(tank, arrow, 1)).toThrow('no method of Tank');
  });
});
