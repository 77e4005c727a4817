/** What every call of a store goes through: it answers or fails in bounded time, and closing waits for it. */
import { translated, unavailable } from './errors.ts';

/** Longest time that a call takes to answer or to fail. */
export const ANSWER_WITHIN_MS = 8000;

/** The calls of one set of stores. */
export interface Calls {
  /** The method, bounded; throws the errors of its port only. */
  bounded<A extends unknown[], R>(method: (...args: A) => Promise<R>): (...args: A) => Promise<R>;
  /** The store, each method bounded. */
  answering<S extends object>(store: S): S;
  /** Refuses further calls, and runs `finish` when those under way have their answers. */
  close(finish: () => Promise<void>): Promise<void>;
}

/** A gate for the calls of one set of stores. */
export function callGate(): Calls {
  const underWay = new Set<Promise<unknown>>();
  let closed: Promise<void> | null = null;

  const bounded: Calls['bounded'] =
    (method) =>
    async (...args) => {
      if (closed !== null) throw unavailable('the stores are closed');
      const call = inTime(() => method(...args));
      underWay.add(call);
      try {
        return await call;
      } catch (error) {
        throw translated(error);
      } finally {
        underWay.delete(call);
      }
    };

  return {
    bounded,
    answering<S extends object>(store: S): S {
      const methods = Object.entries(store).map(([name, method]) => [name, bounded(method)]);
      return Object.fromEntries(methods) as S;
    },
    close(finish) {
      closed ??= Promise.allSettled(underWay).then(finish);
      return closed;
    },
  };
}

async function inTime<T>(call: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    const cause = `no answer within ${ANSWER_WITHIN_MS} ms`;
    timer = setTimeout(() => reject(unavailable(cause)), ANSWER_WITHIN_MS);
  });
  try {
    return await Promise.race([call(), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
