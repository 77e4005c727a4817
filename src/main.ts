/** The process: load the configuration, serve, print what a person needs, drain on SIGTERM and SIGINT. */
import { banner } from './banner.ts';
import { ConfigError, loadConfig, readEnvironment } from './config/load.ts';
import { openLog } from './http/log.ts';
import { serve } from './serve.ts';
import { serveInWorkers } from './workers.ts';

try {
  const config = loadConfig(readEnvironment());
  const log = openLog(config.logLevel);
  const server = await (config.workers === 1
    ? serve({ config, log })
    : serveInWorkers({ config, log }));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, async () => {
      await server.close();
      log.flush();
      process.exit(0);
    });
  }
  // Last: whoever reads it may send a signal at once.
  process.stdout.write(banner(server.issuer, server.firstRun));
} catch (error) {
  console.error(explained(error));
  process.exit(1);
}

/** One line for what an operator can mend, the whole error for everything else. */
function explained(error: unknown): unknown {
  const { message, code } = error as NodeJS.ErrnoException;
  if (error instanceof ConfigError || code === 'EADDRINUSE') {
    return `Tollgate did not start: ${message}`;
  }
  if (code !== 'store_unavailable') return error;
  return 'Tollgate did not start: the database of DATABASE_URL does not answer; start it, or mend the address';
}
