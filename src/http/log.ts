/** Structured logs (JSON lines on stdout). No secret reaches them: bodies, queries and headers are never logged. */
import pino from 'pino';

/** The logger that the server uses. */
export type Log = pino.Logger;

/** Opens the log. Lines are written in the background and flushed at exit. */
export function openLog(level: string): Log {
  const destination = pino.destination({ dest: 1, sync: false, minLength: 4096 });
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: errorFields },
    },
    destination,
  );
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
