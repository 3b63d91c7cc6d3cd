/** Decisions, sent to an endpoint of this machine that plays AWS under whatever address somebody has given it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Decisions } from '../../aws/decisions.ts';

const FUNCTION = 'abc.lambda-url.eu-central-1.on.aws';
let folder: string;
let identity: { key: string; cert: string };
const before = getCACertificates('default');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'shiplock-decisions-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const words = 'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1';
  const made = spawnSync('openssl', [...words.split(' '), '-keyout', key, '-out', cert], { encoding: 'utf8' });
  expect(made.status, `openssl: ${made.stderr}`).toBe(0);
  identity = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  setDefaultCACertificates([...before, identity.cert]);
});
afterAll(() => {
  setDefaultCACertificates(before);
  rmSync(folder, { recursive: true });
});

/** Lambda, and the function behind its URL: which of both is meant, only the name in the request says. */
function answer(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { host } = incoming.headers;
  if (incoming.method === 'GET') outgoing.end(JSON.stringify({ FunctionUrl: `https://${host === FUNCTION ? 'nobody' : FUNCTION}/` }));
  else outgoing.writeHead(host === FUNCTION ? 200 : 404).end(JSON.stringify({ message: `heard as ${host}` }));
}

describe('a decision reaches the function through', () => {
  it.each(['http://127.0.0.1', 'http://localhost', 'http://[::1]', 'https://127.0.0.1', 'https://localhost', 'https://[::1]'])(
    '%s',
    async (address) => {
      const server = address.startsWith('https') ? createSecureServer(identity, answer) : createServer(answer);
      await new Promise<void>((ready) => server.listen(0, address.includes('[') ? '::1' : '127.0.0.1', ready));
      const endpoint = `${address}:${(server.address() as AddressInfo).port}`;
      try {
        const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' };
        const decisions = new Decisions('acme-decide', { region: 'eu-central-1', endpoint, credentials });
        expect(await decisions.send({ verb: 'freeze' })).toEqual({ status: 200, message: `heard as ${FUNCTION}` });
      } finally {
        server.closeAllConnections();
        server.close();
      }
    },
  );
});
