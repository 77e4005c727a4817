/** What the suites of the gateways' doors share: questions as gateways ask them, in every dialect. */
import { type Answer, basic, type Credentials, sendRaw } from '../support/server.ts';

/** Where calls come from unless a test says otherwise. */
export const FROM = '192.0.2.7';

export const DIALECTS = ['nginx', 'traefik', 'caddy', 'envoy', 'haproxy'] as const;
export type DialectName = (typeof DIALECTS)[number];

/** A call of an end client, and how the proxy asks about it. */
export interface ProxiedCall {
  /** Sent as `Authorization: Bearer`. */
  token?: string;
  /** Sent as `X-Api-Key`. */
  apiKey?: string;
  /** Default GET. */
  method?: string;
  /** Path and query of the call; default `/orders`. */
  uri?: string;
  /** Address, or the chain of hops; an array is sent as repeated headers. */
  from?: string | string[];
  /** Added to what the proxy sends, or in its place; null leaves a header out. */
  headers?: Record<string, string | string[] | null>;
  /** Query of the proxy's own request; Envoy has none. */
  query?: string;
  /** Method and body of the proxy's own request, where they are not the usual. */
  sent?: { method?: string; body?: string };
}

/** Asks a forward-auth door as a proxy does. */
export function forward(
  url: string,
  dialect: DialectName,
  gateway: Credentials | null,
  call: ProxiedCall,
): Promise<Answer> {
  const { token, apiKey, method = 'GET', uri = '/orders', headers = {}, query = '' } = call;
  const isEnvoy = dialect === 'envoy';
  const all: NonNullable<ProxiedCall['headers']> = {
    'X-Gateway-Authorization': gateway && basic(gateway.clientId, gateway.secret),
    Authorization: token === undefined ? null : `Bearer ${token}`,
    'X-Api-Key': apiKey ?? null,
    ...toldBy(dialect, { method, uri, from: call.from ?? FROM }),
    ...headers,
  };
  const sent = Object.entries(all).filter((h): h is [string, string | string[]] => h[1] !== null);
  return sendRaw(url, {
    method: call.sent?.method ?? (isEnvoy ? method : 'GET'),
    path: `/forward-auth/${dialect}${isEnvoy ? uri : query}`,
    headers: Object.fromEntries(sent),
    ...(call.sent?.body !== undefined && { body: call.sent.body }),
  });
}

/** The headers in which a dialect tells about a call. */
function toldBy(
  dialect: DialectName,
  { method, uri, from }: { method: string; uri: string; from: string | string[] },
): Record<string, string | string[]> {
  switch (dialect) {
    case 'traefik':
    case 'caddy':
      return { 'X-Forwarded-Method': method, 'X-Forwarded-Uri': uri, 'X-Forwarded-For': from };
    case 'envoy':
      return { 'X-Forwarded-For': from };
    case 'nginx':
    case 'haproxy':
      return { 'X-Original-Method': method, 'X-Original-URI': uri, 'X-Real-IP': from };
  }
}
