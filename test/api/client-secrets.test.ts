import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Client } from '../../src/domain/clients/client.ts';
import { liveSecrets } from '../../src/domain/clients/client-secret.ts';
import { isGeneratedSecret } from '../../src/domain/secrets/passwords.ts';
import { smallClient, startApi, type TestApi } from './support.ts';

let api: TestApi;
let client: { clientId: string; secret: { id: string; value: string } };
let path: string;
let made = 0;

beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  made += 1;
  const body = { ...smallClient(`secrets-${made}`), emails: ['ops@partner.example'] };
  client = (await api.send('POST', '/api/v1/clients', { body })).body;
  path = `/api/v1/clients/${client.clientId}`;
});

/** Whether a secret opens the client now. */
async function opens(value: string): Promise<boolean> {
  const stored = (await api.services.stores.clients.find(client.clientId)) as Client;
  for (const secret of liveSecrets(stored.secrets, api.services.clock.now())) {
    const { keys, passwords } = api.services;
    const matches =
      secret.kind === 'generated'
        ? isGeneratedSecret(keys, value, secret.hash)
        : await passwords.verify(value, secret.hash);
    if (matches) return true;
  }
  return false;
}

async function list() {
  return (await api.send('GET', `${path}/secrets`)).body;
}

describe('client secrets', () => {
  it('are listed with label, dates and last use, never with a value or hash', async () => {
    api.services.lastUses.note(`secret:${client.secret.id}`, api.services.clock.now(), '192.0.2.1');
    await api.services.lastUses.flush();
    const at = api.services.clock.now().toISOString();
    expect(await list()).toEqual({
      items: [
        {
          secretId: client.secret.id,
          label: 'first secret',
          kind: 'generated',
          createdAt: at,
          expiresAt: null,
          lastUsed: { at, address: '192.0.2.1' },
        },
      ],
      nextCursor: null,
      previousCursor: null,
      total: 1,
    });
  });

  it('stand beside each other: a generated one, and one that was chosen', async () => {
    const generated = await api.send('POST', `${path}/secrets`, { body: { label: 'second' } });
    expect(generated).toMatchObject({ status: 201, body: { version: 2 } });
    const chosen = { label: 'third', value: 'pässwörd %+: 密碼' };
    const third = await api.send('POST', `${path}/secrets`, { body: chosen });
    expect(third.body.secret).toEqual({ id: expect.any(String), value: null });
    for (const value of [client.secret.value, generated.body.secret.value, chosen.value]) {
      expect(await opens(value)).toBe(true);
    }
    expect((await list()).total).toBe(3);
  });

  it('end at their expiry', async () => {
    const expiresAt = new Date(api.services.clock.now().getTime() + 60_000).toISOString();
    const { body } = await api.send('POST', `${path}/secrets`, { body: { expiresAt } });
    expect(await opens(body.secret.value)).toBe(true);
    api.pass(60);
    expect(await opens(body.secret.value)).toBe(false);
  });

  it('rotate: the old one works for the grace period', async () => {
    const rotate = `${path}/secrets/${client.secret.id}/rotate`;
    const { status, body } = await api.send('POST', rotate, { body: { graceSeconds: 600 } });
    expect(status).toBe(201);
    expect(await opens(client.secret.value)).toBe(true);
    expect(await opens(body.secret.value)).toBe(true);
    api.pass(600);
    expect(await opens(client.secret.value)).toBe(false);
    expect(await opens(body.secret.value)).toBe(true);
  });

  it('retire now', async () => {
    const secret = `${path}/secrets/${client.secret.id}`;
    expect((await api.send('DELETE', `${secret}?dryRun=true`)).status).toBe(200);
    expect(await opens(client.secret.value)).toBe(true);
    expect((await api.send('DELETE', secret)).status).toBe(204);
    expect(await opens(client.secret.value)).toBe(false);
    expect((await api.send('DELETE', secret)).status).toBe(404);
  });

  it('number at most ten', async () => {
    for (let i = 1; i < 10; i += 1) await api.send('POST', `${path}/secrets`, { body: {} });
    for (const query of ['?dryRun=true', '']) {
      const answer = await api.send('POST', `${path}/secrets${query}`, { body: {} });
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: 'secrets' }] } });
    }
    expect((await list()).total).toBe(10);
  });

  it('change by PUT …/password: earlier passwords stop, generated ones stay', async () => {
    for (const password of ['the first password', 'the second password']) {
      const answer = await api.send('PUT', `${path}/password`, { body: { password } });
      expect(answer.status).toBe(200);
    }
    expect(await opens('the first password')).toBe(false);
    expect(await opens('the second password')).toBe(true);
    expect(await opens(client.secret.value)).toBe(true);
  });

  it('differ in their last of 128 characters', async () => {
    const password = `${'é'.repeat(127)}a`;
    await api.send('PUT', `${path}/password`, { body: { password } });
    expect(await opens(password)).toBe(true);
    expect(await opens(`${'é'.repeat(127)}b`)).toBe(false);
  });
});

describe('POST /clients/{clientId}/password-reset-mail', () => {
  it('mails a link and answers only when it expires', async () => {
    const before = api.mails.length;
    const preview = await api.send('POST', `${path}/password-reset-mail?dryRun=true`);
    expect(preview.status).toBe(200);
    expect(api.mails.length).toBe(before);
    const answer = await api.send('POST', `${path}/password-reset-mail`);
    expect(answer).toMatchObject({ status: 200, body: { expiresAt: expect.any(String) } });
    expect(Object.keys(answer.body)).toEqual(['expiresAt']);
    expect(api.mails.slice(before)).toMatchObject([{ to: ['ops@partner.example'] }]);
  });

  it('answers a clear error when there is no address', async () => {
    const { body } = await api.send('POST', '/api/v1/clients', { body: smallClient('no-mail') });
    for (const query of ['', '?dryRun=true']) {
      const mail = `/api/v1/clients/${body.clientId}/password-reset-mail${query}`;
      const answer = await api.send('POST', mail);
      expect(answer).toMatchObject({ status: 409, body: { code: 'no_mail_address' } });
    }
  });
});
