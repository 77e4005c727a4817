import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { certainAddressReader, clientAddressReader } from '../../src/http/client-address.ts';

const PROXIES = ['10.0.0.0/8', '127.0.0.1', '2001:db8:ffff::/48'];

interface Hops {
  from?: string | undefined;
  xff?: string;
  forwarded?: string;
}

/** What a server that trusts `PROXIES` takes for the caller. */
function read(
  { from, xff, forwarded }: Hops,
  proxies = PROXIES,
  reader = clientAddressReader,
): string | null {
  const headers = {
    ...(xff !== undefined && { 'x-forwarded-for': xff }),
    ...(forwarded !== undefined && { forwarded }),
  };
  const request = { socket: { remoteAddress: from }, headers };
  return reader(proxies)(request as unknown as IncomingMessage);
}

describe('the address of the caller', () => {
  it.each<[title: string, hops: Hops, address: string | null]>([
    ['the socket', { from: '192.0.2.1' }, '192.0.2.1'],
    ['the socket, IPv4-mapped', { from: '::ffff:192.0.2.1' }, '192.0.2.1'],
    ['the socket, IPv6', { from: '2001:DB8::1' }, '2001:db8::1'],
    ['a stranger who names another', { from: '192.0.2.1', xff: '203.0.113.9' }, '192.0.2.1'],
    ['a stranger who names a proxy', { from: '192.0.2.1', xff: '10.0.0.1' }, '192.0.2.1'],
    ['a stranger with Forwarded', { from: '192.0.2.1', forwarded: 'for=203.0.113.9' }, '192.0.2.1'],
    ['a trusted proxy that tells nothing', { from: '10.0.0.1' }, '10.0.0.1'],
    ['a trusted proxy that tells', { from: '10.0.0.1', xff: '203.0.113.9' }, '203.0.113.9'],
    [
      'a trusted proxy, its socket IPv4-mapped',
      { from: '::ffff:10.0.0.1', xff: '203.0.113.9' },
      '203.0.113.9',
    ],
    ['a mapped hop', { from: '10.0.0.1', xff: '::ffff:203.0.113.9' }, '203.0.113.9'],
    [
      'a mapped trusted hop',
      { from: '10.0.0.1', xff: '203.0.113.9, ::ffff:10.0.0.2' },
      '203.0.113.9',
    ],
    ['two trusted hops', { from: '10.0.0.1', xff: '203.0.113.9, 10.0.0.2' }, '203.0.113.9'],
    [
      'trusted hops of both kinds',
      { from: '127.0.0.1', xff: '203.0.113.9,2001:db8:ffff::2,10.1.1.1' },
      '203.0.113.9',
    ],
    [
      'a forged chain',
      { from: '10.0.0.1', xff: '192.0.2.66, 198.51.100.1, 203.0.113.9' },
      '203.0.113.9',
    ],
    [
      'a forged chain of proxies',
      { from: '10.0.0.1', xff: '10.9.9.9, 203.0.113.9, 10.0.0.2' },
      '203.0.113.9',
    ],
    ['proxies all the way', { from: '10.0.0.1', xff: '10.0.0.3, 10.0.0.2' }, '10.0.0.3'],
    ['an unreadable hop', { from: '10.0.0.1', xff: '203.0.113.9, unknown' }, '10.0.0.1'],
    [
      'an unreadable hop behind a proxy',
      { from: '10.0.0.1', xff: '203.0.113.9, nonsense, 10.0.0.2' },
      '10.0.0.2',
    ],
    [
      'an unreadable hop to the left',
      { from: '10.0.0.1', xff: '<script>, 203.0.113.9' },
      '203.0.113.9',
    ],
    ['an empty header', { from: '10.0.0.1', xff: '' }, '10.0.0.1'],
    ['an empty hop', { from: '10.0.0.1', xff: '203.0.113.9,' }, '10.0.0.1'],
    ['a hop with a port', { from: '10.0.0.1', xff: '203.0.113.9:4711' }, '203.0.113.9'],
    ['a bracketed hop', { from: '10.0.0.1', xff: '[2001:db8::9]' }, '2001:db8::9'],
    ['a bracketed hop with a port', { from: '10.0.0.1', xff: '[2001:db8::9]:4711' }, '2001:db8::9'],
    ['a bare IPv6 hop', { from: '10.0.0.1', xff: '2001:DB8::9' }, '2001:db8::9'],
    ['spaces and tabs', { from: '10.0.0.1', xff: ' \t203.0.113.9 ,\t10.0.0.2 ' }, '203.0.113.9'],
    ['a zone id', { from: '10.0.0.1', xff: 'fe80::1%eth0' }, '10.0.0.1'],
    ['leading zeros', { from: '10.0.0.1', xff: '203.0.113.09' }, '10.0.0.1'],
    ['a CIDR range', { from: '10.0.0.1', xff: '203.0.113.0/24' }, '10.0.0.1'],
    ['a host name', { from: '10.0.0.1', xff: 'localhost' }, '10.0.0.1'],

    ['Forwarded', { from: '10.0.0.1', forwarded: 'for=203.0.113.9' }, '203.0.113.9'],
    [
      'Forwarded, all of it',
      { from: '10.0.0.1', forwarded: 'by=10.0.0.1;For="203.0.113.9:80";host=a;proto=https' },
      '203.0.113.9',
    ],
    ['Forwarded, IPv6', { from: '10.0.0.1', forwarded: 'for="[2001:db8::9]:4711"' }, '2001:db8::9'],
    [
      'Forwarded past a proxy',
      { from: '10.0.0.1', forwarded: 'for=203.0.113.9, for=10.0.0.2;proto=http' },
      '203.0.113.9',
    ],
    [
      'Forwarded, forged',
      { from: '10.0.0.1', forwarded: 'for=10.9.9.9, for=203.0.113.9' },
      '203.0.113.9',
    ],
    [
      'Forwarded, hidden',
      { from: '10.0.0.1', forwarded: 'for=203.0.113.9, for=_hidden' },
      '10.0.0.1',
    ],
    ['Forwarded, unknown', { from: '10.0.0.1', forwarded: 'for=unknown' }, '10.0.0.1'],
    ['Forwarded without for', { from: '10.0.0.1', forwarded: 'proto=https;host=a' }, '10.0.0.1'],
    [
      'Forwarded with a false friend of for',
      { from: '10.0.0.1', forwarded: 'xfor=203.0.113.9' },
      '10.0.0.1',
    ],

    // A proxy adds to one of the headers and may pass the other on as the caller sent it.
    [
      'the socket when the caller sent a Forwarded',
      { from: '10.0.0.1', xff: '203.0.113.9', forwarded: 'for=10.0.0.7' },
      '10.0.0.1',
    ],
    [
      'the socket when the caller sent an X-Forwarded-For',
      { from: '10.0.0.1', xff: '192.0.2.66', forwarded: 'for=203.0.113.9' },
      '10.0.0.1',
    ],
    [
      'the socket when one of two headers hides the caller',
      { from: '10.0.0.1', xff: '192.0.2.66', forwarded: 'for=_hidden' },
      '10.0.0.1',
    ],
    [
      'two headers that agree, past proxies and what strangers wrote',
      {
        from: '10.0.0.1',
        xff: '192.0.2.66, 203.0.113.9, 10.0.0.2',
        forwarded: 'for=192.0.2.77, for="203.0.113.9:80", for=10.0.0.2',
      },
      '203.0.113.9',
    ],
    ['no socket any more', { from: undefined, xff: '203.0.113.9' }, null],
  ])('is that of %s', (_, hops, address) => {
    expect(read(hops)).toBe(address);
  });

  it('is the socket for everyone where no proxy is trusted', () => {
    expect(read({ from: '10.0.0.1', xff: '203.0.113.9', forwarded: 'for=203.0.113.9' }, [])).toBe(
      '10.0.0.1',
    );
  });

  it('can not be changed by anything that the caller sends', () => {
    const hop = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.string({ maxLength: 10 }),
      fc.constantFrom('10.0.0.1', 'unknown', '"', ','),
    );
    fc.assert(
      fc.property(fc.array(hop, { maxLength: 5 }), fc.string(), (sent, forwarded) => {
        const xff = [...sent, '203.0.113.9'].join(',');
        expect(read({ from: '10.0.0.1', xff })).toBe('203.0.113.9');
        // At most it hides the caller behind the proxy.
        expect(['203.0.113.9', '10.0.0.1']).toContain(read({ from: '10.0.0.1', xff, forwarded }));
        expect(read({ from: '203.0.113.9', xff: sent.join(','), forwarded })).toBe('203.0.113.9');
      }),
    );
  });

  it('stays right over many callers', () => {
    const reader = clientAddressReader(PROXIES);
    for (let i = 0; i < 30_000; i += 1) {
      const address = `203.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
      const request = {
        socket: { remoteAddress: '10.0.0.1' },
        headers: { 'x-forwarded-for': address },
      };
      if (reader(request as unknown as IncomingMessage) !== address) throw new Error(address);
    }
  });
});

describe('the address of a caller whom nothing hides', () => {
  const readCertain = (hops: Hops, proxies = PROXIES) => read(hops, proxies, certainAddressReader);

  it.each<[title: string, hops: Hops, address: string | null]>([
    ['the socket', { from: '192.0.2.1' }, '192.0.2.1'],
    ['the socket, IPv4-mapped', { from: '::ffff:192.0.2.1' }, '192.0.2.1'],
    ['the socket, IPv6', { from: '2001:DB8::1' }, '2001:db8::1'],
    ['a trusted proxy that tells nothing', { from: '10.0.0.1' }, '10.0.0.1'],
    ['a trusted proxy that tells', { from: '10.0.0.1', xff: '203.0.113.9' }, '203.0.113.9'],
    ['two trusted hops', { from: '10.0.0.1', xff: '203.0.113.9, 10.0.0.2' }, '203.0.113.9'],
    ['proxies all the way', { from: '10.0.0.1', xff: '10.0.0.3, 10.0.0.2' }, '10.0.0.3'],
    ['a proxy that names itself', { from: '127.0.0.1', xff: '127.0.0.1' }, '127.0.0.1'],
    ['an unreadable hop to the left', { from: '10.0.0.1', xff: 'x, 203.0.113.9' }, '203.0.113.9'],
    [
      'two headers that agree',
      { from: '10.0.0.1', xff: '203.0.113.9', forwarded: 'for=203.0.113.9' },
      '203.0.113.9',
    ],
    ['nobody, of a stranger who names another', { from: '192.0.2.1', xff: '203.0.113.9' }, null],
    [
      'nobody, of a stranger who names a proxy',
      { from: '192.0.2.1', forwarded: 'for=10.0.0.1' },
      null,
    ],
    ['nobody, past an unreadable hop', { from: '10.0.0.1', xff: '203.0.113.9, unknown' }, null],
    ['nobody, past one behind a proxy', { from: '10.0.0.1', xff: 'nonsense, 10.0.0.2' }, null],
    ['nobody, of Forwarded that hides', { from: '10.0.0.1', forwarded: 'for=_hidden' }, null],
    [
      'nobody, of two headers that disagree',
      { from: '10.0.0.1', xff: '203.0.113.9', forwarded: 'for=10.0.0.7' },
      null,
    ],
    [
      'nobody, of two headers of which one hides its end at the address of the other',
      { from: '10.0.0.1', xff: '10.0.0.2', forwarded: 'for=unknown, for=10.0.0.2' },
      null,
    ],
    ['nobody, without a socket', { from: undefined, xff: '203.0.113.9' }, null],
  ])('is that of %s', (_, hops, address) => {
    expect(readCertain(hops)).toBe(address);
  });

  it('is that of nobody for whoever sends a forwarding header where no proxy is trusted', () => {
    expect(readCertain({ from: '10.0.0.1', xff: '10.0.0.1' }, [])).toBe(null);
    expect(readCertain({ from: '10.0.0.1' }, [])).toBe('10.0.0.1');
  });
});
