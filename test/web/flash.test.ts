import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import Koa from 'koa';
import { setFlash, takeFlash } from '../../src/web/admin/flash.ts';
import { startApp } from '../support/app.ts';

it('a flash that is too long for a cookie is cut at a whole character', async () => {
  const { services, close } = await startApp();
  const text = 'done: '.concat('訂'.repeat(2000));
  const site = new Koa();
  site.use((ctx) => {
    if (ctx.path === '/set') setFlash(ctx, services.keys, text);
    ctx.body = ctx.path === '/set' ? 'set' : takeFlash(ctx, services.keys);
  });
  const server = site.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const [cookie = ''] = (await fetch(`http://127.0.0.1:${port}/set`)).headers.getSetCookie();
  expect(cookie.length).toBeLessThan(4096);
  const [pair = ''] = cookie.split(';');
  const shown = await fetch(`http://127.0.0.1:${port}/`, { headers: { Cookie: pair } });
  expect(await shown.text()).toMatch(/^done: 訂{700,}…$/);
  server.close();
  await close();
});
