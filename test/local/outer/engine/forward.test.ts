/** A load balancer's port and a container's, with real HTTP between them: a server of this process plays the container. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { textResponse } from '../../../../local/core/http.ts';
import { openDoor } from '../../../../local/outer/door.ts';
import { forward } from '../../../../local/outer/engine/forward.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Container {
  answer?(incoming: IncomingMessage, outgoing: ServerResponse): void;
  upgrade?(incoming: IncomingMessage, socket: Socket): void;
}

/** @param limit milliseconds in which nothing comes */
async function open({ answer, upgrade }: Container, limit?: number) {
  const server = createServer(answer);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
  if (upgrade) server.on('upgrade', upgrade);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const door = await openDoor(
    0,
    (sent) => forward(port, sent, limit === undefined ? {} : { limit }),
    () => false,
    { streams: true },
  );
  const close = () => door.close().catch(() => undefined);
  ends.push(close);
  return { door, close, sockets };
}

/** Sends bytes as they are, and collects what comes back. */
function speak(port: number, text: string) {
  const socket = connect(port, '127.0.0.1');
  ends.push(() => socket.destroy());
  const heard = { text: '', ended: false };
  socket.setEncoding('latin1').on('data', (part: string) => (heard.text += part));
  socket.on('error', () => undefined).once('close', () => (heard.ended = true));
  socket.write(text);
  return { socket, heard };
}

const UPGRADE = 'GET /chat HTTP/1.1\r\nhost: localhost\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\n';

describe('between a load balancer and a container', () => {
  it('each cookie of an answer stays one, and its length is told', async () => {
    const { door } = await open({
      answer: (_, outgoing) => {
        outgoing.setHeader('set-cookie', ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2']);
        outgoing.setHeader('content-length', '4');
        outgoing.end('fine');
      },
    });
    const answer = await fetch(door.url);
    expect(answer.headers.getSetCookie()).toEqual(['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2']);
    expect([answer.headers.get('content-length'), await answer.text()]).toEqual(['4', 'fine']);
    const head = await fetch(door.url, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe('4');
  });

  it('a request reaches the container while it is sent, and an answer the client while it is made', async () => {
    const { door } = await open({
      answer: (incoming, outgoing) => {
        incoming.setEncoding('utf8').on('data', (part: string) => outgoing.write(`heard ${part};`));
        incoming.once('end', () => outgoing.end('end'));
      },
    });
    const sent = request(door.url, { method: 'POST' });
    let text = '';
    sent.once('response', (incoming) => incoming.setEncoding('utf8').on('data', (part: string) => (text += part)));
    sent.write('one');
    await expect.poll(() => text).toBe('heard one;');
    sent.write('two');
    await expect.poll(() => text).toBe('heard one;heard two;');
    sent.end();
    await expect.poll(() => text).toBe('heard one;heard two;end');
  });

  it('a connection becomes a WebSocket both ways, and is closed with the door', async () => {
    const { door, close } = await open({
      upgrade: ({ headers, url }, socket) => {
        socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ok\r\n\r\n`);
        socket.write(`${url} ${headers.upgrade}/${headers.connection};`);
        socket.on('data', (part: Buffer) => socket.write(part.toString().toUpperCase()));
      },
    });
    const { socket, heard } = speak(door.port, `${UPGRADE}\r\nearly;`);
    await expect
      .poll(() => heard.text)
      .toMatch(/^HTTP\/1\.1 101 [\s\S]*sec-websocket-accept: ok[\s\S]*\r\n\r\n\/chat websocket\/Upgrade;EARLY;$/);
    socket.write('late;');
    await expect.poll(() => heard.text).toMatch(/EARLY;LATE;$/);
    await close();
    await expect.poll(() => heard.ended).toBe(true);
  });

  it('a request that would rather be HTTP/2 is one of HTTP/1.1, with its body', async () => {
    const { door } = await open({
      answer: (incoming, outgoing) => {
        const parts: Uint8Array[] = [];
        incoming.on('data', (part: Uint8Array) => parts.push(part)).on('end', () => outgoing.end(`got ${Buffer.concat(parts)}`));
      },
    });
    const head =
      'POST /sums HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade, HTTP2-Settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n';
    const { socket, heard } = speak(door.port, `${head}content-length: 4\r\n\r\n1+1=`);
    await new Promise((ended) => socket.once('close', ended));
    expect(heard.text).toMatch(/^HTTP\/1\.1 200 [\s\S]*got 1\+1=/);
  });

  it('a container that speaks no WebSocket answers as it likes, and pages of other origins get none', async () => {
    const { door } = await open({ answer: (_, outgoing) => outgoing.writeHead(426).end('no') });
    const { heard } = speak(door.port, `${UPGRADE}\r\n`);
    await expect.poll(() => heard.text).toMatch(/^HTTP\/1\.1 426 [\s\S]*no/);
    const { heard: foreign } = speak(door.port, `${UPGRADE}origin: http://evil.example.com\r\n\r\n`);
    await expect.poll(() => foreign.text).toMatch(/^HTTP\/1\.1 403 [\s\S]*other origins/);
    await expect.poll(() => heard.ended && foreign.ended).toBe(true);
  });

  it('whichever side breaks, the other one sees it', async () => {
    let isOver = false;
    const { door, sockets } = await open({
      answer: (incoming, outgoing) => {
        outgoing.once('close', () => (isOver = true));
        outgoing.write('begins ');
        incoming.resume();
      },
    });
    const gone = speak(door.port, 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await expect.poll(() => gone.heard.text).toContain('begins');
    gone.socket.destroy();
    await expect.poll(() => isOver).toBe(true);
    const cut = speak(door.port, 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await expect.poll(() => cut.heard.text).toContain('begins');
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => cut.heard.ended).toBe(true);
    expect(cut.heard.text).not.toContain('\r\n0\r\n');
  });

  it('a request that nobody reads is answered, and the next one of the connection is heard', async () => {
    const door = await openDoor(
      0,
      async ({ method }) => textResponse(413, `${method} is too much;`),
      () => false,
      { streams: true },
    );
    ends.push(() => door.close());
    const body = 'x'.repeat(3_000_000);
    const head = `POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n`;
    const { heard } = speak(door.port, `${head}${body}GET / HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    await expect.poll(() => heard.text).toMatch(/POST is too much;[\s\S]*GET is too much;$/);
  });

  it('a container that hangs up before a request has ended is a broken connection, not one that hangs', async () => {
    const { door } = await open({ answer: (incoming) => incoming.once('data', () => incoming.socket.destroy()) });
    const { heard } = speak(door.port, 'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nhalf');
    await expect.poll(() => heard.ended).toBe(true);
    expect(heard.text).toBe('');
  });

  it('says 504 where nothing comes', async () => {
    const { door } = await open({ answer: () => undefined }, 50);
    expect((await fetch(door.url)).status).toBe(504);
  });
});
