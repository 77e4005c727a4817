/**
 * Load of `npm run bench:saturation`, in a process of its own. It speaks HTTP over bare sockets, as a
 * client library costs more a request than the server does. Argument: an order as JSON. Sends what is
 * due on connections that are free, waits for every answer, and prints a report as JSON.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setPriority } from 'node:os';

/** What to send. */
export interface LoadOrder {
  port: number;
  /** Each has one request under way at most. */
  connections: number;
  seconds: number;
  /** Requests that fall due each second, evenly; 0: the next one whenever a connection is free. */
  perSecond: number;
  /** Whole HTTP requests, sent in turn. */
  requests: { name: string; text: string }[];
  /** Niceness of the process, 0 to 19. */
  niceness: number;
  /** Latencies of the first seconds are those of a process that has just started: they are left out. */
  warmUpSeconds?: number;
}

/** Latencies in milliseconds, to three digits, and how often each was seen. */
export type Latencies = Record<string, number>;

/** What became of the requests of one name: answers by status. */
export interface LoadReport {
  sent: number;
  answers: Record<string, { count: number; latencies: Latencies }>;
}

/** The report of an order. */
export interface Load {
  /** Requests that fell due; what found no free connection was not sent. */
  due: number;
  /** From the first request to the last answer. */
  seconds: number;
  reports: Record<string, LoadReport>;
}

/** How long the last answers may take. */
const LAST_ANSWERS_MS = 10_000;

interface Connection {
  socket: Socket;
  /** Of the request that is under way. */
  report: LoadReport | null;
  sentMs: number;
  /** Of an answer that has not come whole. */
  text: string;
}

class Sender {
  readonly reports: Record<string, LoadReport> = {};
  readonly #requests: { report: LoadReport; bytes: Buffer }[];
  readonly #free: Connection[] = [];
  readonly #warmUpMs: number;
  #startMs = 0;
  #turn = 0;
  #underWay = 0;

  constructor({ requests, warmUpSeconds = 0 }: LoadOrder) {
    this.#warmUpMs = warmUpSeconds * 1000;
    this.#requests = requests.map(({ name, text }) => {
      this.reports[name] ??= { sent: 0, answers: {} };
      return { report: this.reports[name], bytes: Buffer.from(text) };
    });
  }

  get underWay(): number {
    return this.#underWay;
  }

  get free(): number {
    return this.#free.length;
  }

  async connect(port: number): Promise<void> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const connection: Connection = { socket, report: null, sentMs: 0, text: '' };
    socket.on('data', (chunk) => this.#receive(connection, chunk));
    await once(socket, 'connect');
    this.#free.push(connection);
  }

  /** Sends the next request, if a connection is free. */
  sendNext(): void {
    const connection = this.#free.shift();
    const request = this.#requests[this.#turn % this.#requests.length];
    if (connection === undefined || request === undefined) return;
    if (this.#turn === 0) this.#startMs = performance.now();
    this.#turn += 1;
    this.#underWay += 1;
    request.report.sent += 1;
    connection.report = request.report;
    connection.sentMs = performance.now();
    connection.socket.write(request.bytes);
  }

  #receive(connection: Connection, chunk: Buffer): void {
    connection.text += chunk.toString('latin1');
    const { report, text } = connection;
    const end = text.indexOf('\r\n\r\n');
    if (end === -1 || text.length < end + 4 + bodyLength(text)) return;
    if (report === null) throw new Error(`an answer came that nobody asked for: ${text}`);
    const status = text.slice(9, 12);
    report.answers[status] ??= { count: 0, latencies: {} };
    const { latencies } = report.answers[status];
    const ms = (performance.now() - connection.sentMs).toPrecision(3);
    report.answers[status].count += 1;
    if (connection.sentMs >= this.#startMs + this.#warmUpMs)
      latencies[ms] = (latencies[ms] ?? 0) + 1;
    connection.report = null;
    connection.text = '';
    this.#underWay -= 1;
    this.#free.push(connection);
  }
}

async function send(order: LoadOrder): Promise<Load> {
  const { port, perSecond, seconds } = order;
  setPriority(order.niceness);
  const sender = new Sender(order);
  for (let i = 0; i < order.connections; i += 1) await sender.connect(port);
  const startMs = performance.now();
  const elapsed = () => (performance.now() - startMs) / 1000;
  let due = 0;
  while (elapsed() < seconds) {
    const wanted = perSecond === 0 ? due + sender.free : Math.floor(elapsed() * perSecond);
    for (; due < wanted; due += 1) sender.sendNext();
    // A slow stream sleeps between requests; a fast one must not be late.
    await (perSecond > 0 && perSecond < 1000 ? pause(1000 / perSecond / 4) : nextTurn());
  }
  const untilMs = performance.now() + LAST_ANSWERS_MS;
  while (sender.underWay > 0 && performance.now() < untilMs) await nextTurn();
  return { due, seconds: elapsed(), reports: sender.reports };
}

function bodyLength(text: string): number {
  const found = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
  if (found === undefined) throw new Error(`an answer does not tell its length: ${text}`);
  return Number(found);
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const [order] = process.argv.slice(2);
if (order !== undefined) {
  const load = await send(JSON.parse(order) as LoadOrder);
  process.stdout.write(JSON.stringify(load), () => process.exit(0));
}
