/** Nothing in the log, the database or the outbox lets its reader act as somebody else. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { mailPasswordReset } from '../../src/domain/clients/manage-client-secrets.ts';
import { openBeside, TESTER } from '../support/app.ts';
import { startServer } from '../support/server.ts';

describe('after every kind of request, at the most talkative log level', () => {
  it('no secret, password or token stands in the log or in a file of the server', async () => {
    const server = await startServer({ env: { LOG_LEVEL: 'trace' } });
    const records = await openBeside(server.env);
    const grantTypes = ['client_credentials', 'password', 'refresh_token'] as const;
    const client = await records.createClient({
      password: 'Zebra-right-secret',
      emails: ['ops@partner.example'],
      grantTypes: [...grantTypes],
    });
    const generated = await records.createResourceServer();
    const user = await records.createUser({ password: 'Zebra-right-password' });
    const { username, password } = user;
    const grant_type = 'password';
    const first = await server.grant(client, { grant_type, username, password });
    const second = await server.refresh(client, first.refreshToken);
    const own = await server.grant(client);
    await server.token(client, { grant_type, username, password: 'Zebra-wrong-password' });
    await server.token({ ...client, secret: 'Zebra-wrong-secret' });
    await server.post('/oauth2/token', {
      grant_type: 'client_credentials',
      client_id: client.clientId,
      client_secret: 'Zebra-wrong-posted',
    });
    await server.introspect(generated, own.accessToken, { client_ip: '192.0.2.1' });
    await server.introspect(generated, 'tga_Zebra-unknown-token');
    await server.post('/oauth2/introspect?token=Zebra-in-the-query', {}, { as: generated });
    await server.refresh(client, first.refreshToken);
    await server.revoke(client, own.accessToken);
    await server.post('/nowhere?access_token=Zebra-in-another-query', {});
    await mailPasswordReset(records.services, TESTER, client.clientId);
    await records.close();
    expect(await server.kill('SIGTERM')).toBe(0);

    const secrets = [
      'Zebra',
      generated.secret,
      first.accessToken,
      first.refreshToken,
      second.body.access_token ?? '',
      second.body.refresh_token ?? '',
      own.accessToken,
    ];
    const texts = new Map([['the log', server.output()]]);
    for (const name of await readdir(server.dataDir)) {
      if (name !== 'outbox') {
        texts.set(name, await readFile(join(server.dataDir, name), 'latin1'));
      }
    }
    expect([...texts.keys()]).toContain('tollgate.db');
    expect(server.output()).toContain('"status":401');
    for (const [where, text] of texts) {
      const found = secrets.filter(
        (secret) => text.includes(secret) || text.includes(encoded(secret)),
      );
      expect([where, found]).toEqual([where, []]);
    }
    // A mail holds one link that works once, and no other secret.
    const [mail = ''] = await readdir(join(server.dataDir, 'outbox'));
    const text = await readFile(join(server.dataDir, 'outbox', mail), 'utf8');
    expect(text.match(/tg[a-z]_[A-Za-z0-9_-]{43}/g)).toEqual([expect.stringMatching(/^tgl_/)]);
    const link = /tgl_[A-Za-z0-9_-]{43}/.exec(text)?.[0] ?? '';
    expect(texts.get('tollgate.db')).not.toContain(link);
    await server.stop();
  });
});

/** The text as a Basic header or a body would carry it. */
function encoded(secret: string): string {
  return Buffer.from(secret).toString('base64').slice(0, -4);
}
