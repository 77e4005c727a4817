/**
 * The way of requests through admission, in front of everything else: a saturated node refuses more
 * requests than it serves, and a refusal from here costs about half of one that has come through Koa.
 * Each queued door says itself which credentials a request presents, and how it refuses.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Middleware } from 'koa';
import type { Admission, Applicant, Sender } from './admission.ts';
import { hasCarriedBetter, noteCarried, UnreadSender } from './held-senders.ts';
import type { Priorities } from './priorities.ts';
import type { RequestState } from './request-state.ts';

/** A door whose requests queue when the node is saturated. */
export interface QueuedDoor {
  /** Its route in the metrics. */
  route: string;
  /** Whether credentials stand in the body: it must have arrived then. */
  readsBody: boolean;
  /** The credentials that a request presents, as they are; none where it is malformed. */
  credentialsOf(request: IncomingMessage, body: string): readonly string[];
  /** What it answers when the node is saturated, but for Retry-After. */
  refusal: { status: number; headers: Readonly<Record<string, string>>; body: string };
}

/** Answers a request; resolves when it is done. */
export type Serve = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** A request that was refused. */
export interface RefusedRequest {
  route: string;
  method: string;
  status: number;
  priority: number;
  /** Since it arrived. */
  seconds: number;
}

/** What the queue in front of the doors works with. */
export interface QueueOptions {
  admission: Admission;
  priorities: Pick<Priorities, 'best'>;
  /** The queued door at a path, if there is one. */
  doorAt(path: string): QueuedDoor | undefined;
  onRefused(refused: RefusedRequest): void;
  serve: Serve;
}

/** A listener that lets requests to queued doors through admission, and all others pass. */
export function queueRequests(options: QueueOptions): Serve {
  const { admission, doorAt, serve } = options;

  function admit(door: QueuedDoor, request: IncomingMessage, response: ServerResponse): void {
    if (admission.hasRoom) admission.begin(() => serve(request, response));
    else admission.enter(new WaitingRequest(options, door, request, response));
  }

  return function receive(request, response) {
    const door = doorAt(pathOf(request.url ?? ''));
    if (door === undefined) {
      noteCarried(request.socket, UNQUEUED);
      return serve(request, response);
    }
    if (!door.readsBody) admit(door, request, response);
    // The body mostly came in the same packet, and is parsed by the end of this tick.
    else process.nextTick(whenWhole, request, () => admit(door, request, response));
    return QUEUED;
  };
}

const QUEUED = Promise.resolve();
/** Better than any priority: what does not queue must not wait behind what does. */
const UNQUEUED = -1;

/** The path of a request target, also of one that names a whole URL. */
function pathOf(target: string): string {
  const path = target.startsWith('/') ? target : target.replace(/^[a-z]+:\/\/[^/?#]*/i, '');
  const end = path.search(/[?#]/);
  return end === -1 ? path : path.slice(0, end);
}

/** Calls back when the body is in memory, or as much of it as the stream takes unread: a body on its way is no work. */
function whenWhole(request: IncomingMessage, callback: () => void): void {
  const isWhole = () => request.complete || request.readableLength >= request.readableHighWaterMark;
  if (isWhole()) {
    callback();
    return;
  }
  request.on('readable', function look() {
    if (!isWhole()) return;
    request.off('readable', look);
    // Streams let go of a listener in the next tick only.
    setImmediate(callback);
  });
}

/** When requests that waited arrived. */
const arrivals = new WeakMap<IncomingMessage, number>();

/** Requests that waited arrived when they were read, not when their turn came. */
export function tellArrival(request: IncomingMessage, state: RequestState): void {
  const arrivedMs = arrivals.get(request);
  if (arrivedMs === undefined) return;
  state.arrivedAt = new Date(state.arrivedAt.getTime() - (state.arrivedMs - arrivedMs));
  state.arrivedMs = arrivedMs;
}

/** `observeRequests` for requests that may have waited. */
export function sinceArrival(observe: Middleware): Middleware {
  return (ctx, next) =>
    observe(ctx, () => {
      tellArrival(ctx.req, ctx.state as RequestState);
      return next();
    });
}

/** A request in the queue. */
class WaitingRequest implements Applicant {
  readonly arrivedMs = performance.now();
  readonly priority: number;
  readonly #options: QueueOptions;
  readonly #door: QueuedDoor;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(
    options: QueueOptions,
    door: QueuedDoor,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    this.#options = options;
    this.#door = door;
    this.#request = request;
    this.#response = response;
    const body = door.readsBody ? peek(request) : '';
    this.priority = options.priorities.best(door.credentialsOf(request, body));
    noteCarried(request.socket, this.priority);
  }

  isGone(): boolean {
    return this.#request.socket.destroyed;
  }

  serve(): Promise<void> {
    arrivals.set(this.#request, this.arrivedMs);
    return this.#options.serve(this.#request, this.#response);
  }

  refuse(): Sender {
    const { socket } = this.#request;
    // Others share the connection: it must look busy, or the next of a high priority would be sent on it.
    if (hasCarriedBetter(socket, this.priority))
      return { letGo: () => void (this.isGone() || this.#answer()) };
    const sender = new UnreadSender(socket);
    this.#response.once('finish', () => sender.leaveUnread());
    this.#answer();
    return sender;
  }

  #answer(): void {
    const { route, refusal } = this.#door;
    const { method = '' } = this.#request;
    this.#response.writeHead(refusal.status, headersOf(refusal)).end(refusal.body);
    // What was looked at counts as read; nobody else will empty it.
    this.#request.resume();
    const seconds = (performance.now() - this.arrivedMs) / 1000;
    this.#options.onRefused({
      ...{ route, method, status: refusal.status },
      ...{ priority: this.priority, seconds },
    });
  }
}

/** The body as far as it has come; it stays unread. */
function peek(request: IncomingMessage): string {
  const bytes = request.read() as Buffer | null;
  if (bytes === null) return '';
  request.unshift(bytes);
  return bytes.toString('latin1');
}

/** Those who are refused together do not come back together: after 1 to 4 seconds. */
const RETRY_SECONDS = ['1', '2', '3', '4'] as const;

type Refusal = QueuedDoor['refusal'];
const headerLists = new WeakMap<Refusal, string[][]>();

/** The headers of a refusal, made once, with a random Retry-After. */
function headersOf(refusal: Refusal): string[] {
  let lists = headerLists.get(refusal);
  if (lists === undefined) {
    const length = String(Buffer.byteLength(refusal.body));
    const common = { ...refusal.headers, 'Content-Length': length, ...REFUSAL_HEADERS };
    lists = RETRY_SECONDS.map((seconds) =>
      Object.entries({ ...common, 'Retry-After': seconds }).flat(),
    );
    headerLists.set(refusal, lists);
  }
  return lists[Math.floor(Math.random() * lists.length)] ?? [];
}

const REFUSAL_HEADERS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
