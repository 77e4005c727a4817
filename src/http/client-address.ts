/**
 * The address of the caller. The socket's, unless it belongs to a trusted proxy: then X-Forwarded-For
 * or Forwarded (RFC 7239) is walked from the right, past trusted proxies; what stands further left was
 * written by strangers and is never believed. Proxies add to one of the two and may pass the other on
 * as a stranger sent it: where they lead to different addresses, neither is believed.
 */
import type { IncomingMessage } from 'node:http';
import { addressSet, canonicalAddress } from '../domain/clients/ip-binding.ts';

/** Reads the address of a request's caller. */
export type ReadClientAddress = (request: IncomingMessage) => string | null;

/** @param trustedProxies addresses and ranges whose forwarding headers are believed */
export function clientAddressReader(trustedProxies: readonly string[]): ReadClientAddress {
  const { canonical, isTrusted, walk } = trust(trustedProxies);
  return function readClientAddress(request) {
    const socket = canonical(request.socket.remoteAddress ?? '');
    if (socket === null || !isTrusted(socket)) return socket;
    const [first = socket, ...others] = forwardedLists(request).map((hops) => walk(socket, hops));
    return others.every((other) => other === first) ? first : socket;
  };
}

/**
 * Reads the address of a request's caller where nothing hides it: null for a forwarding header that no
 * trusted proxy sent, that cannot be read, or that another one contradicts. For rules that let addresses
 * in: a caller who could hide would come in by the address of its proxy.
 *
 * @param trustedProxies addresses and ranges whose forwarding headers are believed
 */
export function certainAddressReader(trustedProxies: readonly string[]): ReadClientAddress {
  const { canonical, isTrusted, walkTo } = trust(trustedProxies);
  return function readCertainAddress(request) {
    const socket = canonical(request.socket.remoteAddress ?? '');
    const lists = forwardedLists(request);
    if (socket === null || lists.length === 0) return socket;
    if (!isTrusted(socket)) return null;
    const ends = lists.map((hops) => walkTo(socket, hops));
    const address = ends[0]?.address ?? null;
    return ends.every((end) => !end.isHidden && end.address === address) ? address : null;
  };
}

/**
 * Reads the end client's address out of the hops that a gateway tells, the nearest last: the first
 * from the right that is no trusted proxy; null when the nearest cannot be read.
 */
export function hopWalker(trustedProxies: readonly string[]): (hops: string[]) => string | null {
  const { canonical, isTrusted, walk } = trust(trustedProxies);
  return function nearestOf(hops) {
    const nearest = canonical(withoutPort(hops.at(-1) ?? ''));
    if (nearest === null || !isTrusted(nearest)) return nearest;
    return walk(nearest, hops.slice(0, -1).map(withoutPort));
  };
}

/** Addresses in canonical form, and which of them are believed. */
function trust(trustedProxies: readonly string[]) {
  const trusted = addressSet(trustedProxies);
  const cache = new Map<string, string | null>();
  return { canonical, isTrusted, walk, walkTo };

  function canonical(text: string): string | null {
    let address = cache.get(text);
    if (address === undefined) {
      address = canonicalAddress(text);
      if (cache.size > 10_000) cache.clear();
      cache.set(text, address);
    }
    return address;
  }

  function isTrusted(address: string): boolean {
    return trustedProxies.length > 0 && trusted.has(address);
  }

  /** The first hop from the right that is no trusted proxy, or the last that can be read. */
  function walk(socket: string, hops: string[]): string {
    return walkTo(socket, hops).address;
  }

  function walkTo(socket: string, hops: string[]): { address: string; isHidden: boolean } {
    let address = socket;
    for (const hop of hops.reverse()) {
      const next = canonical(hop);
      // An unreadable hop hides who called: the last trusted hop is all that is known.
      if (next === null) return { address, isHidden: true };
      address = next;
      if (!isTrusted(next)) break;
    }
    return { address, isHidden: false };
  }
}

/** The hops of each forwarding header that the request has. */
function forwardedLists(request: IncomingMessage): string[][] {
  const list = header(request, 'x-forwarded-for');
  const forwarded = header(request, 'forwarded');
  return [
    ...(list === '' ? [] : [list.split(',').map(withoutPort)]),
    ...(forwarded === '' ? [] : [forwarded.split(',').map(forwardedFor)]),
  ];
}

function forwardedFor(element: string): string {
  return withoutPort(/(?:^|;)\s*for=("[^"]*"|[^;]*)/i.exec(element.trim())?.[1] ?? '');
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
