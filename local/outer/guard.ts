/** Who may speak to the outer door: programs of this machine, not web pages that happen to be open in a browser on it. */

/** A name or address of this machine. https://datatracker.ietf.org/doc/html/rfc6761#section-6.3 */
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|(?:[a-z0-9-]+\.)*localhost)$/;

/** Of a request: those that say where it comes from come once at most. */
interface Headers {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly 'sec-fetch-site'?: string | string[] | undefined;
}

/**
 * Why a request is refused; undefined if it is welcome. A page cannot hide its origin, nor the name under which it looked
 * this machine up (DNS rebinding).
 * @param knows whether a host name is one of the world's own
 */
export function refusal(headers: Headers, knows: (host: string) => boolean): string | undefined {
  const host = headers.host ?? '';
  const name = host.replace(/:\d+$/, '').toLowerCase();
  if (!LOOPBACK.test(name) && !knows(name))
    return `local AWS answers to 127.0.0.1, localhost and the names of its own load balancers and functions, not to the host "${printable(host)}"`;
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${host}`)
    return `local AWS answers no pages of other origins, and ${printable(origin)} is one`;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return 'local AWS answers no requests that pages of other origins make';
  return undefined;
}

const printable = (text: string) => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 100);
