/** Whose address counts: the socket's, or what trusted proxies say; never what a stranger writes. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import type { Credentials } from '../support/server.ts';

const BOUND = { ipBindings: [{ hostName: 'hq', address: '192.0.2.0/24' }] };

let app: TestApp;
let client: Credentials;

async function statusWith(headers: Record<string, string>): Promise<number> {
  return (await app.token(client, {}, { headers })).status;
}

describe('without trusted proxies', () => {
  beforeAll(async () => {
    app = await startApp();
    client = await app.createClient(BOUND);
  });
  afterAll(() => app.close());

  it.each([
    { 'X-Forwarded-For': '192.0.2.1' },
    { Forwarded: 'for=192.0.2.1' },
    { 'X-Real-IP': '192.0.2.1' },
    { 'X-Client-IP': '192.0.2.1' },
    { 'CF-Connecting-IP': '192.0.2.1' },
    { 'True-Client-IP': '192.0.2.1' },
  ])('a forged %j opens no door', async (headers) => {
    expect(await statusWith(headers as Record<string, string>)).toBe(401);
  });

  it('the address of the socket counts', async () => {
    const local = await app.createClient({ ipBindings: [{ hostName: '', address: '127.0.0.1' }] });
    const headers = { 'X-Forwarded-For': '203.0.113.9' };
    expect((await app.token(local, {}, { headers })).status).toBe(200);
  });
});

describe('behind a trusted proxy', () => {
  beforeAll(async () => {
    app = await startApp({ env: { TRUSTED_PROXIES: '127.0.0.1,198.51.100.0/24' } });
    client = await app.createClient(BOUND);
  });
  afterAll(() => app.close());

  it.each([
    ['192.0.2.1', 200],
    ['::ffff:192.0.2.1', 200],
    ['192.0.2.1:4711', 200],
    ['203.0.113.9', 401],
    // What stands left of an untrusted hop was written by a stranger.
    ['192.0.2.1, 203.0.113.9', 401],
    ['203.0.113.9, 192.0.2.1', 200],
    // Trusted hops are walked past.
    ['192.0.2.1, 198.51.100.7', 200],
    ['192.0.2.1, 203.0.113.9, 198.51.100.7', 401],
    ['192.0.2.1, nonsense', 401],
    ['nonsense', 401],
    ['', 401],
  ])('X-Forwarded-For: %s answers %i', async (value, status) => {
    expect(await statusWith({ 'X-Forwarded-For': value })).toBe(status);
  });

  it.each([
    ['for=192.0.2.1', 200],
    ['for="192.0.2.1:4711";proto=https', 200],
    ['for=192.0.2.1, for=203.0.113.9', 401],
    ['for=203.0.113.9, for=192.0.2.1', 200],
    ['for=unknown', 401],
    ['for=_hidden', 401],
  ])('Forwarded: %s answers %i (RFC 7239)', async (value, status) => {
    expect(await statusWith({ Forwarded: value })).toBe(status);
  });

  it('an address in IPv6 is bound however it is written', async () => {
    const v6 = await app.createClient({ ipBindings: [{ hostName: '', address: '2001:db8::/64' }] });
    const from = async (address: string) => (await app.token(v6, {}, { from: address })).status;
    expect(await from('[2001:0DB8:0:0:0:0:0:1]:443')).toBe(200);
    expect(await from('2001:db8:0:1::1')).toBe(401);
  });
});
