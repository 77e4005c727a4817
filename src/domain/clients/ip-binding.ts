/** IP bindings: the addresses that a client may call from. */
import { BlockList, isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { line } from '../validation.ts';

/**
 * The canonical text of an address: IPv4-mapped IPv6 becomes IPv4, IPv6 is compressed and lower-case.
 *
 * @returns null when the text is no address
 */
export function canonicalAddress(text: string): string | null {
  if (isIP(text) === 4) return text;
  if (isIP(text) !== 6 || text.includes('%')) return null;
  // ipaddr.js reads ::192.0.2.1 as ::ffff:192.0.2.1; URL spells the last words in hex first.
  const hex = text.includes('.') ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text;
  const address = ipaddr.IPv6.parse(hex);
  if (address.isIPv4MappedAddress()) return address.toIPv4Address().toString();
  return address.toString();
}

/**
 * The canonical text of an address or CIDR range, host bits cleared; a range of one address is that
 * address.
 *
 * @returns null when the text is neither
 */
export function canonicalRange(text: string): string | null {
  const [addressText, prefixText, ...rest] = text.trim().split('/');
  const address = canonicalAddress(addressText ?? '');
  if (address === null || rest.length > 0) return null;
  if (prefixText === undefined) return address;
  if (!/^\d{1,3}$/.test(prefixText)) return null;
  const mapped = isIP(addressText ?? '') === 6 && isIP(address) === 4;
  const prefix = Number(prefixText) - (mapped ? 96 : 0);
  const bits = isIP(address) === 4 ? 32 : 128;
  if (prefix < 0 || prefix > bits) return null;
  if (prefix === bits) return address;
  const network =
    bits === 32
      ? ipaddr.IPv4.networkAddressFromCIDR(`${address}/${prefix}`)
      : ipaddr.IPv6.networkAddressFromCIDR(`${address}/${prefix}`);
  return `${network.toString()}/${prefix}`;
}

/** A row of the form: a host's label and its address. */
export const ipBinding = z.strictObject({
  hostName: line(0, 50),
  address: z
    .string()
    .max(60)
    .transform((text, context) => {
      const range = canonicalRange(text);
      if (range !== null) return range;
      context.addIssue({
        code: 'custom',
        message: 'must be an address such as 192.0.2.10 or a range such as 192.0.2.0/24',
      });
      return z.NEVER;
    }),
});

export type IpBinding = z.output<typeof ipBinding>;

/**
 * A set of canonical addresses and ranges that answers membership without parsing each of them again.
 *
 * @param ranges as `canonicalRange` gives them
 */
export function addressSet(ranges: readonly string[]): { has(address: string): boolean } {
  // One list each: in a common one ::/0 would hold every IPv4 address.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    const family = familyOf(address);
    if (prefix === undefined) lists[family].addAddress(address, family);
    else lists[family].addSubnet(address, Number(prefix), family);
  }
  return { has: (address) => lists[familyOf(address)].check(address, familyOf(address)) };
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
