/** Structured logs (JSON lines on stdout). No secret reaches them: bodies, queries and headers are never logged. */
import { isMainThread } from 'node:worker_threads';
import pino from 'pino';

/** The logger that the server uses. */
export type Log = pino.Logger;

/** The longest that a line waits for others to be written with, where the server has little to say. */
const FLUSH_MS = 1_000;

/**
 * Opens the log. Lines are written in the background, at least each second. They are flushed at exit,
 * also at that of a worker thread; `flush` returns when they are written.
 */
export function openLog(level: string): Log {
  const destination = pino.destination({
    dest: 1,
    sync: false,
    minLength: 4096,
    periodicFlush: FLUSH_MS,
  });
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: errorFields },
    },
    destination,
  );
  log.flush = function flushNow(done) {
    destination.flushSync();
    done?.();
  };
  // pino does this for the main thread only.
  if (!isMainThread) process.once('exit', () => destination.flushSync());
  return log;
}

/** An error as logged: what went wrong and where, with causes; no record that hangs on it. */
function errorFields(error: Error & { code?: unknown }): object {
  return {
    type: error.name,
    code: error.code,
    message: error.message,
    stack: error.stack,
    ...(error.cause instanceof Error && { cause: errorFields(error.cause) }),
  };
}
