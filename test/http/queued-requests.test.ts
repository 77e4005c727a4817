/** Refused senders: connections of one priority and shared ones, on a server that works on one request at a time. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Admission } from '../../src/http/admission.ts';
import { type QueuedDoor, queueRequests } from '../../src/http/queued-requests.ts';
import { until } from '../support/server.ts';

/** The credential of a request is its priority. */
const door: QueuedDoor = {
  route: '/door',
  readsBody: false,
  credentialsOf: ({ headers }) => [String(headers['x-priority'])],
  refusal: { status: 503, headers: {}, body: 'saturated' },
};

/** How far the clock of admission is ahead. */
let aheadMs: number;
let admission: Admission;
let server: Server;
let sockets: Socket[];
/** Requests at work, and how each is answered. */
let atWork: (() => void)[];
let refused: number;

beforeEach(async () => {
  [aheadMs, refused, sockets, atWork] = [0, 0, [], []];
  const limits = { atWork: 1, queued: 1, startsPerTurn: 1, startsInCrowd: 1 };
  // Nobody is let go before the clock says so.
  admission = new Admission(
    { ...limits, letGoPerTurn: 0, waitMs: 60_000 },
    () => performance.now() + aheadMs,
  );
  server = createServer(
    queueRequests({
      admission,
      priorities: { best: ([priority]) => Number(priority) },
      doorAt: () => door,
      onRefused: () => {
        refused += 1;
      },
      serve: (_request, response) =>
        new Promise((resolve) => {
          atWork.push(() => {
            response.end('served');
            resolve();
          });
        }),
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  // Whoever is still held up is let go, so that nothing keeps the process busy.
  aheadMs += 1_000_000;
  for (const answer of atWork) answer();
  for (const socket of sockets) socket.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** A connection, and what was answered on it. */
async function open() {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay(true);
  sockets.push(socket);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  await once(socket, 'connect');
  return {
    send: (priority: number) =>
      void socket.write(`GET /door HTTP/1.1\r\nHost: localhost\r\nX-Priority: ${priority}\r\n\r\n`),
    statuses: () => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status)),
  };
}
type Connection = Awaited<ReturnType<typeof open>>;

const answered = (connection: Connection, statuses: number[]) =>
  until(() => String(connection.statuses()) === String(statuses));

/** One request at work and one in the queue, of priority 5. */
async function saturate(): Promise<void> {
  (await open()).send(5);
  await until(() => atWork.length === 1);
  (await open()).send(5);
  await until(() => admission.queued === 1);
}

/** A sender of the lowest priority that nothing is known of: its refusal shows that the loop has turned. */
async function refuseAnother(): Promise<void> {
  const other = await open();
  other.send(9);
  await answered(other, [503]);
}

describe('a refused sender', () => {
  it('is answered at once, and its next request stays unread until it is let go', async () => {
    await saturate();
    const low = await open();
    low.send(9);
    await answered(low, [503]);
    low.send(9);
    for (let n = 0; n < 3; n += 1) await refuseAnother();
    expect(low.statuses()).toEqual([503]);
    expect(refused).toBe(4);
    aheadMs += 60_000;
    // By that clock it has waited too long when it is read.
    await answered(low, [503, 503]);
  });

  it('on a connection that carries better ones too gets its answer only when it is let go', async () => {
    await saturate();
    const shared = await open();
    shared.send(0);
    await until(() => refused === 1);
    atWork[0]?.();
    await until(() => atWork.length === 2);
    atWork[1]?.();
    await answered(shared, [200]);
    await saturateAgain();
    shared.send(9);
    for (let n = 0; n < 3; n += 1) await refuseAnother();
    expect(shared.statuses()).toEqual([200]);
    aheadMs += 60_000;
    await answered(shared, [200, 503]);
  });

  it('that went away is no longer held up, and not counted', async () => {
    await saturate();
    const low = await open();
    low.send(9);
    await answered(low, [503]);
    sockets.at(-1)?.destroy();
    await refuseAnother();
    aheadMs += 60_000;
    // The one in the queue has waited too long as well.
    await until(() => refused === 3);
    expect(admission.queued).toBe(0);
  });
});

/** After others were served: one at work, one in the queue. */
async function saturateAgain(): Promise<void> {
  (await open()).send(5);
  await until(() => atWork.length === 3);
  (await open()).send(5);
  await until(() => admission.queued === 1);
}
