/** Prints the two demo lines again, with fresh secrets; a running server knows them at once. */
import { demoLines } from '../src/banner.ts';
import { openServices } from '../src/compose.ts';
import { loadConfig, readEnvironment } from '../src/config/load.ts';
import { renewDemo } from '../src/domain/first-run.ts';
import { openLog } from '../src/http/log.ts';

const config = loadConfig(readEnvironment());
const { services, close } = await openServices({ config, log: openLog('error') });
try {
  console.log(demoLines(config.issuer, await renewDemo(services)));
} catch (error) {
  console.error(
    `The demo clients are not here (${(error as Error).message}); "npm start" makes them on an empty database.`,
  );
  process.exitCode = 1;
} finally {
  await close();
}
