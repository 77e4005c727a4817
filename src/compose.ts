/** The composition root: picks the adapters, builds the services, and puts the application together. */
import { join } from 'node:path';
import { setImmediate as otherWork } from 'node:timers/promises';
import type Koa from 'koa';
import type { Context } from 'koa';
import { BcryptPool } from '../adapters/bcrypt/index.ts';
import { openSecretKeys } from '../adapters/key-files/index.ts';
import { openMailer } from '../adapters/smtp/index.ts';
import { adminApi } from './api/index.ts';
import { createApp } from './app.ts';
import type { Config } from './config/load.ts';
import { type Clock, systemClock } from './domain/clock.ts';
import { Directory } from './domain/directory.ts';
import { LastUseBuffer } from './domain/last-uses.ts';
import { Passwords } from './domain/secrets/passwords.ts';
import { SecretKeys } from './domain/secrets/secret-keys.ts';
import { SecretVerifier } from './domain/secrets/secret-verifier.ts';
import type { Services } from './domain/services.ts';
import { EXPIRED_BATCH, type Stores } from './domain/stores.ts';
import { clientAddressReader } from './http/client-address.ts';
import { healthRoutes } from './http/health.ts';
import type { Log } from './http/log.ts';
import { createMetrics } from './http/metrics.ts';
import { observeRequests } from './http/requests.ts';
import { nodeMetrics } from './http/worker-metrics.ts';
import { oauthEndpoints } from './oidc/endpoints.ts';
import { cookieKeys, createProvider } from './oidc/provider.ts';
import { pages } from './web/pages.ts';

/** What composition can be told beyond the configuration. */
export interface ComposeOptions {
  config: Config;
  log: Log;
  /** Default: the clock of the machine. */
  clock?: Clock;
}

/** Opened services, and how to let go of them. */
export interface OpenServices {
  services: Services;
  close(): Promise<void>;
}

/** How often buffered observations are written and expired rows removed. */
const UPKEEP_MS = 1_000;
const REMOVE_EXPIRED_EVERY = 10;
/** Batches of expired rows that one round removes: 2000 rows of each kind a second in the long run. */
const MOST_BATCHES = 20;

/** Opens the database, keys, mail and hashing. Throws when one of them cannot be opened. */
export async function openServices({
  config,
  log,
  clock = systemClock,
}: ComposeOptions): Promise<OpenServices> {
  const keys = new SecretKeys(config.secretKeys ?? (await openSecretKeys(config.dataDir)));
  const stores = await openStores(config);
  const bcrypt = new BcryptPool({ cost: config.bcryptCost, threads: config.bcryptThreads });
  const mailer = openMailer({
    smtpUrl: config.smtpUrl,
    from: config.mailFrom,
    outbox: join(config.dataDir, 'outbox'),
    onGivenUp: (err, file) => log.error({ err, file }, 'mail was not delivered'),
  });
  const passwords = new Passwords(keys, bcrypt);
  const services: Services = {
    clock,
    directory: new Directory(stores),
    issuer: config.issuer,
    keys,
    lastUses: new LastUseBuffer(stores.lastUses),
    mailer,
    passwords,
    stores,
    timeZone: config.timeZone,
    verifier: new SecretVerifier(keys, passwords),
  };
  const stopUpkeep = startUpkeep(services, { log });
  return {
    services,
    async close() {
      await stopUpkeep();
      await mailer.close();
      await bcrypt.close();
      await stores.close();
    },
  };
}

/** What the application is told beyond the services. */
export interface AppOptions extends ComposeOptions {
  isDraining(): boolean;
  /** Index among the workers of the node; default 0. */
  worker?: number;
}

/** The application over opened services. */
export async function composeApp(
  services: Services,
  { config, log, isDraining, worker = 0 }: AppOptions,
): Promise<Koa> {
  const { stores, clock } = services;
  // Threads share the process: one of them tells of it.
  const metrics = createMetrics(config.nodeEnv !== 'test' && worker === 0);
  const shared = nodeMetrics(metrics.registry, config.workers);
  const app = createApp({
    issuer: services.issuer,
    observe: observeRequests({
      clock,
      log,
      metrics,
      readAddress: clientAddressReader(config.trustedProxies),
    }),
    health: healthRoutes({
      stores,
      metrics: shared,
      metricsToken: config.metricsToken,
      isDraining,
    }),
    oauth: oauthEndpoints(await createProvider(services), services),
    adminApi: adminApi(services, { adminApiToken: config.adminApiToken ?? null, log }),
    pages: await pages(services),
  });
  app.keys = cookieKeys(services);
  app.on('error', (err, ctx?: Context) =>
    log.error({ err, requestId: ctx?.state['requestId'] }, 'request failed'),
  );
  return app;
}

/** Loads only the driver that is needed: the other one would double the time of a start. */
async function openStores({ database }: Config): Promise<Stores> {
  if (database.kind === 'sqlite') {
    const { openSqliteStores } = await import('../adapters/sqlite/index.ts');
    return openSqliteStores({ path: database.path });
  }
  const { openMongoStores } = await import('../adapters/mongo/index.ts');
  return openMongoStores({ url: database.url });
}

/** Options of the upkeep. */
export interface UpkeepOptions {
  log: Pick<Log, 'warn'>;
  /** Milliseconds between two rounds; default 1000. */
  everyMs?: number;
}

/** Writes buffered observations and removes expired rows, until stopped; what is buffered then is written. */
export function startUpkeep(
  services: Pick<Services, 'clock' | 'lastUses' | 'stores'>,
  { log, everyMs = UPKEEP_MS }: UpkeepOptions,
): () => Promise<void> {
  let rounds = 0;
  let running: Promise<void> | null = null;

  async function trying(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (err) {
      log.warn({ err }, 'upkeep failed; it is tried again');
    }
  }
  async function removeExpired(): Promise<void> {
    for (let batch = 1; batch <= MOST_BATCHES; batch += 1) {
      const removed = await services.stores.removeExpired(services.clock.now());
      if (removed < EXPIRED_BATCH) return;
      await otherWork();
    }
  }
  async function round(): Promise<void> {
    rounds += 1;
    await services.lastUses.flush();
    if (rounds % REMOVE_EXPIRED_EVERY === 0) await removeExpired();
  }
  // A round that the database makes wait takes the place of the next ones: none piles up.
  const timer = setInterval(() => {
    running ??= trying(round).finally(() => {
      running = null;
    });
  }, everyMs);
  timer.unref();
  return async function stopUpkeep() {
    clearInterval(timer);
    await running;
    await trying(() => services.lastUses.flush());
  };
}
