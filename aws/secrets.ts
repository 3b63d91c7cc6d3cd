/** Secrets of the pipeline's own: SecureString parameters, read when they are needed, by name. */
import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { type Connection, clientSettings } from './clients.ts';

/** A text that prints as redacted, wherever it goes. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** For the one call that needs it. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '(secret)';
  }

  toJSON(): string {
    return '(secret)';
  }
}

export class Secrets {
  private readonly client: SSMClient;

  constructor(connection: Connection = {}) {
    this.client = new SSMClient(clientSettings(connection));
  }

  /** @throws Error naming the parameter that is missing */
  async read(name: string): Promise<Secret> {
    const { Parameters: [found] = [] } = await this.client.send(new GetParametersCommand({ Names: [name], WithDecryption: true }));
    if (!found?.Value) throw new Error(`there is no parameter ${name}; make it, as SecureString`);
    return new Secret(found.Value.trim());
  }
}
