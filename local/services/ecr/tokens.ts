/** Authorization tokens: the passwords that `docker login` takes, each standing for whoever asked for it. */
import type { Principal } from '../../core/service.ts';
import type { World } from '../../core/site.ts';

/** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_AuthorizationData.html */
const VALID_FOR = 12 * 3_600_000;

interface Token {
  readonly principal: Principal;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

const tokens = (world: World): Map<string, Token> => world.part('registry tokens', () => new Map());

/** A token that is good in every registry of the world that lets `principal` in. */
export function issueToken(world: World, principal: Principal, secret: string): { readonly password: string; readonly expires: number } {
  const expires = world.clock.now() + VALID_FOR;
  const content = { payload: secret, version: '2', type: 'DATA_KEY', expiration: Math.floor(expires / 1000) };
  const password = Buffer.from(JSON.stringify(content)).toString('base64');
  tokens(world).set(password, { principal, expires });
  return { password, expires };
}

/** Whom a password stands for. */
export function readToken(world: World, password: string): Principal | 'unknown' | 'expired' {
  const token = tokens(world).get(password);
  if (token === undefined) return 'unknown';
  return token.expires <= world.clock.now() ? 'expired' : token.principal;
}
