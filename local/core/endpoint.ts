/** Which service and Region a host name means. */
import { CLIENTS } from './protocols/clients.ts';

export interface Endpoint {
  readonly service: string;
  readonly region: string;
}

const byHost = new Map<string, string>();
for (const [service, { hosts }] of Object.entries(CLIENTS)) for (const host of hosts ?? [service]) byHost.set(host, service);

const bySigningName = new Map(Object.entries(CLIENTS).map(([service, { signingName }]) => [signingName ?? service, service]));

const known = new Map<string, Endpoint | null>();

/** The AWS endpoint that `host` is; undefined for any other host. https://docs.aws.amazon.com/general/latest/gr/rande.html */
export function endpointOf(host: string): Endpoint | undefined {
  let found = known.get(host);
  if (found === undefined) {
    found = parse(host) ?? null;
    if (known.size < 1000) known.set(host, found);
  }
  return found ?? undefined;
}

function parse(host: string): Endpoint | undefined {
  if (host === 'sts.amazonaws.com') return { service: 'sts', region: 'us-east-1' };
  const [, labels = '', region = ''] = /^([a-z0-9.-]+)\.([a-z]{2}(?:-[a-z]+)+-\d)\.(?:amazonaws\.com|api\.aws)$/.exec(host) ?? [];
  const service = /^\d{12}\.ddb$/.test(labels) ? 'dynamodb' : byHost.get(labels);
  return service === undefined ? undefined : { service, region };
}

/**
 * The host name that a signed request would have gone to, had it not been sent to a loopback port:
 * service and Region stand in the credential scope. For a server that is local AWS's outer door.
 */
export function hostOfSignature(authorization: string | undefined): string | undefined {
  const { region, signingName = '' } = scopeOf(authorization);
  const service = bySigningName.get(signingName);
  if (service === undefined || region === undefined) return undefined;
  return `${CLIENTS[service]?.hosts?.[0] ?? service}.${region}.amazonaws.com`;
}

/** For which service and Region a request is signed, as its client calls them; neither where it is not signed. */
export function scopeOf(authorization: string | undefined): { readonly region?: string; readonly signingName?: string } {
  const [, region, signingName] = /Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/.exec(authorization ?? '') ?? [];
  return { ...(region === undefined ? {} : { region }), ...(signingName === undefined ? {} : { signingName }) };
}

/** The name by which requests to a service are signed. */
export const signingNameOf = (service: string): string => CLIENTS[service]?.signingName ?? service;
