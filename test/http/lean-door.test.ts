/** The way past Koa: what takes it, and what becomes of a caller whose answer cannot be written. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type AnswerRequest, besideKoa } from '../../src/http/lean-door.ts';
import type { Answered } from '../../src/http/requests.ts';

const FINE = { status: 200, headers: { 'Content-Type': 'text/plain' }, body: 'lean' };

let server: Server | null = null;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve) ?? resolve(null));
});

/** A server with a lean door at `POST /lean`; everything else is answered "koa". */
async function start(answer: AnswerRequest) {
  const errors: unknown[] = [];
  const answered: Answered[] = [];
  const listener = besideKoa(
    {
      path: '/lean',
      method: 'POST',
      answer,
      observer: {
        arrive: () => ({
          requestId: 'request-1',
          arrivedAt: new Date(0),
          arrivedMs: 0,
          address: null,
        }),
        leave: (_state, one) => void answered.push(one),
      },
      log: { error: (fields) => void errors.push(fields) },
    },
    async (_request, response) => void response.end('koa'),
  );
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { errors, answered, port, url: `http://127.0.0.1:${port}` };
}

async function post(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  socket.write('POST /lean HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
  return socket;
}

describe('a lean door', () => {
  it.each([
    ['POST', '/lean', 'lean'],
    ['GET', '/lean', 'koa'],
    ['POST', '/lean?', 'koa'],
    ['POST', '/lean/', 'koa'],
  ])('%s %s is answered by %s', async (method, path, expected) => {
    const { url } = await start(async () => FINE);
    expect(await (await fetch(url + path, { method })).text()).toBe(expected);
  });

  it('logs a mistake of the server, and closes the connection', async () => {
    const mistake = new TypeError('a mistake');
    const { errors, port } = await start(() => Promise.reject(mistake));
    const socket = await post(port);
    const texts: string[] = [];
    socket.setEncoding('utf8').on('data', (text: string) => texts.push(text));
    await once(socket, 'close');
    expect(texts).toEqual([]);
    expect(errors).toEqual([{ err: mistake, method: 'POST', path: '/lean' }]);
  });

  it('counts the answer to a caller who has left', async () => {
    const [asked, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { errors, answered, port } = await start(async ({ socket }) => {
      asked.resolve();
      await once(socket, 'close');
      setImmediate(left.resolve);
      return FINE;
    });
    const socket = await post(port);
    await asked.promise;
    socket.destroy();
    await left.promise;
    expect(answered).toEqual([{ route: '/lean', method: 'POST', status: 200 }]);
    expect(errors).toEqual([]);
  });
});
