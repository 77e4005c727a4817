/**
 * The address of the caller. The socket's, unless it belongs to a trusted proxy: then Forwarded
 * (RFC 7239) or X-Forwarded-For is walked from the right, past trusted proxies; what stands further
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
  const forwarded = header(request, 'forwarded');
  if (forwarded !== '') {
    return forwarded
      .split(',')
      .map((element) =>
        withoutPort(/(?:^|;)\s*for=("[^"]*"|[^;]*)/i.exec(element.trim())?.[1] ?? ''),
      );
  }
  const list = header(request, 'x-forwarded-for');
  return list === '' ? [] : list.split(',').map(withoutPort);
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
