/** What sets the proxies apart: how each tells about the call, and which statuses it passes on. */
import type { IncomingMessage } from 'node:http';

/** The call that a proxy asks about; members that it did not tell are undefined. */
export interface ToldCall {
  method: string | undefined;
  /** Path and query as the end client sent them. */
  target: string | undefined;
  /** Addresses that led to the proxy, the nearest last; the proxy itself has written the last one. */
  hops: string[];
}

/** One proxy's way to ask. */
export interface Dialect {
  name: string;
  /** Reads the call from the proxy's request; only headers that the proxy itself has set. */
  read(request: IncomingMessage): ToldCall;
  /** The HTTP status that stands for the status of a decision. */
  statusFor(status: number): number;
  /** Whether the target of the request itself is the proxy's to choose, and so may hold `weight`. */
  hasOwnQuery: boolean;
}

/** The only value of a header; undefined when it is missing, empty or repeated. */
export function single(request: IncomingMessage, name: string): string | undefined {
  const values = request.headersDistinct[name];
  return values?.length === 1 && values[0] !== '' ? values[0] : undefined;
}

/** The entries of a list header. */
export function list(request: IncomingMessage, name: string): string[] {
  const value = request.headersDistinct[name]?.join(',') ?? '';
  return value === '' ? [] : value.split(',').map((entry) => entry.trim());
}
