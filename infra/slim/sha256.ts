/** Stands in Lambda bundles for SHA-256 in JavaScript: Node has its own, and the SDK takes that where it is. */
export class Sha256Js {
  /** @throws Error always: there is no Node without it in Lambda */
  constructor() {
    throw new Error('SHA-256 in JavaScript is left out of Lambda bundles; see infra/slim.ts');
  }
}
