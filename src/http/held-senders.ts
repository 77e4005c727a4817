/**
 * How a sender whose request was refused is held up. Its connection is left unread: what comes next on it
 * stays with the system. (A request that is held up in memory instead is copied by every collection of
 * garbage, which stops the process that long: 13 ms, 6 times a second, with 2,000 of them.) Connections
 * that a gateway shares among clients are another matter: see `hasCarriedBetter`.
 */
import type { Socket } from 'node:net';
import type { Sender } from './admission.ts';

/** The best priority of the requests that came on a connection while the node was saturated. */
const bestCarried = new WeakMap<Socket, number>();

/** Notes the priority of a request on the connection that it came on. */
export function noteCarried(socket: Socket, priority: number): void {
  const best = bestCarried.get(socket);
  if (best === undefined || priority < best) bestCarried.set(socket, priority);
}

/**
 * Whether a connection has carried requests of a better priority. Were it left unread, the next of those
 * would be sent on it and wait; while an answer is due on it, its sender takes another one.
 */
export function hasCarriedBetter(socket: Socket, priority: number): boolean {
  return (bestCarried.get(socket) ?? priority) < priority;
}

/** The sender on a connection that is not read from until it is let go. */
export class UnreadSender implements Sender {
  readonly #socket: Socket;
  #isFree = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** To be called once the answer is written, as Node reads on until then. */
  leaveUnread(): void {
    if (!this.#isFree) this.#socket.pause();
  }

  letGo(): void {
    this.#isFree = true;
    this.#socket.resume();
  }
}
