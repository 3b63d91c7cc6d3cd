/** Sends what people decide to the pipeline's function URL, signed with their own identity. */
import { type IncomingMessage, request } from 'node:http';
import { request as requestSecurely } from 'node:https';
import { isIP } from 'node:net';
import { GetFunctionUrlConfigCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import { type Connection, clientSettings } from './clients.ts';

/** What `decide` answered. 200 done, 400 not understood, 403 refused, by it or by IAM. */
export interface Reply {
  readonly status: number;
  readonly message: string;
  /** What was started, if something was. */
  readonly execution?: string;
  /** That execution was not started but stopped: it has ended when what ran before is back. */
  readonly stopped?: true;
}

export class Decisions {
  private readonly client: LambdaClient;
  private readonly functionName: string;
  private readonly url: string | undefined;
  /** An endpoint of this machine that plays AWS: it answers under the names that it gives out, which no name server knows. */
  private door: URL | undefined;

  /** @param url of `decide`, where it is known; else Lambda is asked */
  constructor(functionName: string, connection: Connection = {}, url?: string) {
    this.client = new LambdaClient(clientSettings(connection));
    this.functionName = functionName;
    this.url = url;
  }

  /**
   * Posts a decision, signed for `lambda`. A wrong clock is corrected once, by the answer's date.
   * https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
   */
  async send(decision: object): Promise<Reply> {
    const url = new URL(this.url ?? (await this.find()));
    const body = JSON.stringify(decision);
    const began = Date.now();
    const first = await this.post(url, body, began);
    if (first.status !== 403 || !/signature (expired|not yet current)/i.test(first.reply.message)) return first.reply;
    const said = Date.parse(first.date ?? '');
    return Number.isNaN(said) ? first.reply : (await this.post(url, body, said + (Date.now() - began))).reply;
  }

  private async find(): Promise<string> {
    const command = new GetFunctionUrlConfigCommand({ FunctionName: this.functionName });
    command.middlewareStack.add(
      (next) => (args) => {
        const { hostname, port, protocol } = args.request as HttpRequest;
        if (LOOPBACK.test(hostname)) this.door = new URL(`${protocol}//${hostname}:${port ?? ''}`);
        return next(args);
      },
      { step: 'finalizeRequest' },
    );
    const { FunctionUrl } = await this.client.send(command);
    if (FunctionUrl === undefined) throw new Error(`${this.functionName} has no URL; deploy the pipeline again`);
    return FunctionUrl;
  }

  private async post(url: URL, body: string, now: number): Promise<{ status: number; reply: Reply; date: string | null }> {
    const signer = new SignatureV4({
      service: 'lambda',
      region: await this.client.config.region(),
      credentials: await this.client.config.credentials(),
      sha256: Sha256 as never,
    });
    const unsigned = new HttpRequest({
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      headers: { host: url.host, 'content-type': 'application/json' },
      body,
    });
    const { headers } = await signer.sign(unsigned, { signingDate: new Date(now) });
    const sent = this.door
      ? knock(this.door, url.pathname, headers, body)
      : fetch(url, { method: 'POST', headers, body, redirect: 'error', signal: AbortSignal.timeout(PATIENCE) });
    const response = await sent.catch((error: Error) => {
      throw new Error(`${url.origin}, where decisions are taken, does not answer: ${reasonOf(error)}`);
    });
    const reply = { status: response.status, ...read(await response.text()) };
    return { status: response.status, reply, date: response.headers.get('date') };
  }
}

function read(text: string): Omit<Reply, 'status'> {
  try {
    const { message, Message, execution, stopped } = JSON.parse(text) as Partial<Reply> & { readonly Message?: string };
    return { message: message ?? Message ?? text, ...(execution ? { execution } : {}), ...(stopped ? { stopped } : {}) };
  } catch {
    return { message: text };
  }
}

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|(?:[a-z0-9-]+\.)*localhost)$/;

/** As long as the function may take, and a little. Milliseconds. */
const PATIENCE = 40_000;

/** A POST under another name than the address's, which fetch does not let one say. A certificate is for the address. */
function knock(door: URL, path: string, headers: Record<string, string>, body: string): Promise<Response> {
  // `[::1]` is how a URL writes an address.
  const host = door.hostname.replace(/^\[(.*)\]$/, '$1');
  const secured = door.protocol === 'https:' ? { servername: isIP(host) ? '' : host } : undefined;
  return new Promise((resolve, reject) => {
    const asked = (secured ? requestSecurely : request)(
      { host, port: door.port, path, method: 'POST', headers, timeout: PATIENCE, ...secured },
      (answer: IncomingMessage) => {
        const parts: Uint8Array[] = [];
        answer.on('data', (part: Uint8Array) => parts.push(part)).on('error', reject);
        answer.on('end', () =>
          resolve(new Response(Buffer.concat(parts), { status: answer.statusCode ?? 500, headers: { date: answer.headers.date ?? '' } })),
        );
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('no answer in time'))).on('error', reject);
    asked.end(body);
  });
}

/** `fetch failed` says nothing; its cause does. */
const reasonOf = ({ message, cause }: Error) => (cause instanceof Error ? cause.message : message);
