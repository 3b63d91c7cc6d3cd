/** The module `node:crypto` and the global `crypto` of a Lambda environment: hashes are Node's, chance comes from the seed. */
import nodeCrypto from 'node:crypto';
import type { Random } from '../core/random.ts';

const fill = (random: Random, view: ArrayBufferView, offset = 0, size = view.byteLength - offset): void => {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, size);
  for (let index = 0; index < bytes.length; index++) bytes[index] = random.integer(256);
};

/** What of Node's crypto draws from the machine's own entropy and cannot be seeded: refused, so that runs stay repeatable. */
const unseeded = ['generateKey', 'generateKeySync', 'generateKeyPair', 'generateKeyPairSync', 'generatePrime', 'generatePrimeSync'];

const HELD_KEYS = 256;
const held = new Map<string, nodeCrypto.KeyObject>();

/** Bytes as an object of Node's, made once: Node 24 takes a key of bytes six times slower, and clients sign every call with the same one. */
function keyOf(key: unknown): unknown {
  const bytes = ArrayBuffer.isView(key) ? Buffer.from(key.buffer, key.byteOffset, key.byteLength) : key;
  if (!Buffer.isBuffer(bytes)) return key;
  const name = bytes.toString('latin1');
  let object = held.get(name);
  if (object === undefined) {
    if (held.size >= HELD_KEYS) held.clear();
    object = nodeCrypto.createSecretKey(bytes);
    held.set(name, object);
  }
  return object;
}

/**
 * `node:crypto` on a seed.
 * @param hold lets time wait for what real threads do
 */
export function cryptoModule(
  random: Random,
  hold: <Result>(work: Promise<Result>) => Promise<Result>,
): { module: object; webcrypto: object } {
  const randomBytes = (size: number, callback?: (error: Error | null, bytes: Buffer) => void) => {
    const bytes = Buffer.alloc(size);
    fill(random, bytes);
    if (callback === undefined) return bytes;
    process.nextTick(callback, null, bytes);
  };
  const randomFillSync = (view: ArrayBufferView, offset?: number, size?: number) => {
    fill(random, view, offset, size);
    return view;
  };
  const randomInt = (
    first: number,
    second?: number | ((error: null, value: number) => void),
    third?: (error: null, value: number) => void,
  ) => {
    const [low, high] = typeof second === 'number' ? [first, second] : [0, first];
    const callback = typeof second === 'function' ? second : third;
    const value = low + random.integer(high - low);
    if (callback === undefined) return value;
    process.nextTick(callback, null, value);
  };
  // Digests and signatures of WebCrypto run on real threads: time waits for them.
  const subtle = new Proxy(nodeCrypto.webcrypto.subtle, {
    get: (target, key) => {
      const member = Reflect.get(target, key) as unknown;
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => hold(Reflect.apply(member, target, args) as Promise<unknown>);
    },
  });
  const webcrypto = {
    subtle,
    getRandomValues: randomFillSync,
    randomUUID: () => random.uuid(),
  };
  const module: Record<string, unknown> = {
    ...nodeCrypto,
    webcrypto,
    subtle,
    getRandomValues: randomFillSync,
    randomBytes,
    pseudoRandomBytes: randomBytes,
    randomFillSync,
    randomFill: (view: ArrayBufferView, ...rest: unknown[]) => {
      const callback = rest.pop() as (error: null, view: ArrayBufferView) => void;
      process.nextTick(callback, null, randomFillSync(view, ...(rest as number[])));
    },
    randomInt,
    randomUUID: () => random.uuid(),
    createHmac: (algorithm: string, key: never, options?: never) => nodeCrypto.createHmac(algorithm, keyOf(key) as never, options),
  };
  for (const name of unseeded)
    module[name] = () => {
      throw new Error(`local AWS: crypto.${name} cannot be seeded and is not available in a Lambda function here`);
    };
  return { module, webcrypto };
}
