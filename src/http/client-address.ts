/**
 * The address of the caller. The socket's, unless it belongs to a trusted proxy: then X-Forwarded-For,
 * or Forwarded (RFC 7239) where there is none, is walked from the right, past trusted proxies; what stands further
 * left was written by strangers and is never believed.
 */
import type { IncomingMessage } from 'node:http';
import { addressSet, canonicalAddress } from '../domain/clients/ip-binding.ts';

/** Reads the address of a request's caller. */
export type ReadClientAddress = (request: IncomingMessage) => string | null;

/** @param trustedProxies addresses and ranges whose forwarding headers are believed */
export function clientAddressReader(trustedProxies: readonly string[]): ReadClientAddress {
  const trusted = addressSet(trustedProxies);
  const cache = new Map<string, string | null>();
  function canonical(text: string): string | null {
    let address = cache.get(text);
    if (address === undefined) {
      address = canonicalAddress(text);
      if (cache.size > 10_000) cache.clear();
      cache.set(text, address);
    }
    return address;
  }
  return function readClientAddress(request) {
    let address = canonical(request.socket.remoteAddress ?? '');
    if (trustedProxies.length === 0 || address === null || !trusted.has(address)) return address;
    for (const hop of forwardedHops(request).reverse()) {
      const next = canonical(hop);
      // An unreadable hop hides who called: the last trusted hop is all that is known.
      if (next === null) return address;
      address = next;
      if (!trusted.has(next)) return next;
    }
    return address;
  };
}

function forwardedHops(request: IncomingMessage): string[] {
  // First, as proxies append to it by default and pass on a Forwarded that a stranger sent.
  const list = header(request, 'x-forwarded-for');
  if (list !== '') return list.split(',').map(withoutPort);
  const forwarded = header(request, 'forwarded');
  if (forwarded === '') return [];
  return forwarded
    .split(',')
    .map((element) =>
      withoutPort(/(?:^|;)\s*for=("[^"]*"|[^;]*)/i.exec(element.trim())?.[1] ?? ''),
    );
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(',') : (value ?? '');
}

/** `"[2001:db8::1]:4711"` and `192.0.2.1:80` without brackets, quotes and port. */
function withoutPort(text: string): string {
  const bare = text.trim().replaceAll('"', '');
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(bare)?.[1];
  if (bracketed !== undefined) return bracketed;
  return /^[\d.]+:\d+$/.test(bare) ? bare.slice(0, bare.lastIndexOf(':')) : bare;
}
