import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  addressSet,
  canonicalAddress,
  canonicalRange,
  ipBinding,
} from '../../src/domain/clients/ip-binding.ts';

describe('canonicalAddress', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:c000:0201', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8::0001', '2001:db8::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['::ffff:0:192.0.2.1', '::ffff:0:c000:201'],
    ['::192.0.2.1', '::c000:201'],
  ])('of %s is %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });

  it.each([
    '',
    ' ',
    'localhost',
    '192.0.2',
    '192.0.2.1.1',
    '192.0.2.256',
    '192.0.2.01',
    '0192.0.2.1',
    '0xc0.0.2.1',
    '0300.0.2.1',
    '3221225985',
    '127.1',
    ' 192.0.2.1',
    '192.0.2.1 ',
    '192.0.2.1:80',
    '192.0.2.1/32',
    '[::1]',
    '::1::',
    '1::2::3',
    'fe80::1%eth0',
    '::1%0',
    '12345::1',
    'g::1',
    '::ffff:192.0.2.256',
    '::ffff:192.0.2.01',
    '192.0.2.-1',
    '１９２.0.2.1',
  ])('refuses %j', (text) => {
    expect(canonicalAddress(text)).toBeNull();
  });

  it('is a fixed point, and the same for every spelling of an address', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const canonical = canonicalAddress(text);
        expect(canonical).not.toBeNull();
        expect(canonicalAddress(canonical ?? '')).toBe(canonical);
        expect(canonicalAddress(text.toUpperCase())).toBe(canonical);
      }),
    );
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        expect(canonicalAddress(text)).toBe(text);
        expect(canonicalAddress(`::ffff:${text}`)).toBe(text);
      }),
    );
  });
});

describe('canonicalRange', () => {
  it.each([
    ['192.0.2.77', '192.0.2.77'],
    [' 192.0.2.77 ', '192.0.2.77'],
    ['192.0.2.77/24', '192.0.2.0/24'],
    ['192.0.2.77/32', '192.0.2.77'],
    ['192.0.2.77/0', '0.0.0.0/0'],
    ['10.255.255.255/9', '10.128.0.0/9'],
    ['2001:db8:ffff::1/33', '2001:db8:8000::/33'],
    ['2001:db8::1/128', '2001:db8::1'],
    ['::/0', '::/0'],
    ['::ffff:192.0.2.77/120', '192.0.2.0/24'],
    ['::ffff:192.0.2.77/128', '192.0.2.77'],
    ['::ffff:0:0/96', '0.0.0.0/0'],
  ])('of %s is %s', (text, canonical) => {
    expect(canonicalRange(text)).toBe(canonical);
  });

  it.each([
    '',
    '/',
    '/24',
    '192.0.2.0/',
    '192.0.2.0/33',
    '192.0.2.0/-1',
    '192.0.2.0/+8',
    '192.0.2.0/8.0',
    '192.0.2.0/24/24',
    '192.0.2.0 / 24',
    '192.0.2.0/255.255.255.0',
    '192.0.2/24',
    '192.0.2.0/0x18',
    '::/129',
    '::/1e1',
    '::ffff:192.0.2.0/95',
    '::ffff:192.0.2.0/129',
    'fe80::1%eth0/64',
    '*',
    '192.0.2.*',
    '192.0.2.1-9',
  ])('refuses %j', (text) => {
    expect(canonicalRange(text)).toBeNull();
  });
});

describe('ipBinding', () => {
  it('canonicalises, so that the same address twice is seen as such', () => {
    const row = { hostName: ' hq ', address: '::ffff:192.0.2.1' };
    expect(ipBinding.parse(row)).toEqual({ hostName: 'hq', address: '192.0.2.1' });
  });

  it.each([
    [{ hostName: 'x'.repeat(50), address: '::1' }, true],
    [{ hostName: 'x'.repeat(51), address: '::1' }, false],
    [{ hostName: '', address: '::1' }, true],
    [{ hostName: '', address: 'hq.example' }, false],
    [{ hostName: '', address: '::1', mask: 8 }, false],
  ])('%j: %s', (row, isFine) => {
    expect(ipBinding.safeParse(row).success).toBe(isFine);
  });
});

/** An address as a number and a width, read in the plainest way. */
function bitsOf(address: string): { width: number; value: bigint } {
  if (address.includes('.')) {
    const value = address.split('.').reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    return { width: 32, value };
  }
  const [head = '', tail] = address.split('::');
  const words = (text: string | undefined) => (text ? text.split(':') : []);
  const [front, back] = [words(head), words(tail)];
  const zeros = tail === undefined ? [] : Array(8 - front.length - back.length).fill('0');
  const all = [...front, ...zeros, ...back];
  return { width: 128, value: all.reduce((sum, w) => sum * 65_536n + BigInt(`0x${w}`), 0n) };
}

function naivelyHas(ranges: readonly string[], address: string): boolean {
  const { width, value } = bitsOf(address);
  return ranges.some((range) => {
    const [base = '', prefix] = range.split('/');
    const network = bitsOf(base);
    const shift = BigInt(network.width - Number(prefix ?? network.width));
    return network.width === width && network.value >> shift === value >> shift;
  });
}

/** Addresses of few different bits, so that ranges and addresses often meet. */
const near4 = fc
  .tuple(fc.constantFrom(10, 192), fc.constantFrom(0, 1), fc.constantFrom(0, 128), fc.nat(255))
  .map((bytes) => bytes.join('.'));
const near6 = fc
  .tuple(fc.constantFrom('0', '2001'), fc.constantFrom('0', 'db8'), fc.constantFrom('0', '8000'))
  .chain((front) =>
    fc.nat(65_535).map((last) => `${front.join(':')}:0:0:0:0:${last.toString(16)}`),
  );
const anyAddress = fc.oneof(near4, near6, fc.ipV4(), fc.ipV6());
const anyRange = fc.oneof(
  anyAddress,
  fc.tuple(near4, fc.nat(32)).map(([address, prefix]) => `${address}/${prefix}`),
  fc.tuple(near6, fc.nat(128)).map(([address, prefix]) => `${address}/${prefix}`),
);

describe('addressSet', () => {
  it('holds exactly the addresses that a naive comparison of bits finds', () => {
    fc.assert(
      fc.property(fc.array(anyRange, { maxLength: 5 }), anyAddress, (rows, text) => {
        const ranges = rows.map((row) => canonicalRange(row) ?? '');
        const address = canonicalAddress(text) ?? '';
        expect(addressSet(ranges).has(address)).toBe(naivelyHas(ranges, address));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    [['192.0.2.0/24'], '192.0.2.0', true],
    [['192.0.2.0/24'], '192.0.2.255', true],
    [['192.0.2.0/24'], '192.0.3.0', false],
    [['2001:db8::/32'], '2001:db8:ffff::1', true],
    [['2001:db8::/32'], '2001:db9::', false],
    [['0.0.0.0/0'], '255.255.255.255', true],
    [['0.0.0.0/0'], '::1', false],
    [['::/0'], '2001:db8::1', true],
    [['::/0'], '192.0.2.1', false],
    [['::/64'], '192.0.2.1', false],
    [[], '192.0.2.1', false],
  ])('of %j holds %s: %s', (ranges, address, isIn) => {
    expect(addressSet(ranges).has(address)).toBe(isIn);
  });
});
