/** The composition root: picks the adapters, builds the services, and puts the application together. */
import { join } from 'node:path';
import { setImmediate as otherWork } from 'node:timers/promises';
import type Koa from 'koa';
import type { Context, Middleware } from 'koa';
import { BcryptPool } from '../adapters/bcrypt/index.ts';
import { openSecretKeys } from '../adapters/key-files/index.ts';
import { openMailer } from '../adapters/smtp/index.ts';
import { adminApi } from './api/index.ts';
import { createApp } from './app.ts';
import type { Config } from './config/load.ts';
import { type Clock, systemClock } from './domain/clock.ts';
import { Passwords } from './domain/secrets/passwords.ts';
import { SecretKeys } from './domain/secrets/secret-keys.ts';
import { createServices, type Services } from './domain/services.ts';
import type { Stores } from './domain/stores.ts';
import { decideDoor } from './gateway/decide.ts';
import { gatewayDoors } from './gateway/index.ts';
import { queuedGatewayDoor } from './gateway/queued-doors.ts';
import { adminAddressGate } from './http/admin-addresses.ts';
import { Admission } from './http/admission.ts';
import type { AdmissionLimits } from './http/admission-limits.ts';
import { certainAddressReader, clientAddressReader } from './http/client-address.ts';
import { healthRoutes } from './http/health.ts';
import { besideKoa, type LeanDoor } from './http/lean-door.ts';
import type { Log } from './http/log.ts';
import { createMetrics, type Metrics } from './http/metrics.ts';
import { Priorities } from './http/priorities.ts';
import { queueRequests, sinceArrival } from './http/queued-requests.ts';
import { observeRequests, requestObserver } from './http/requests.ts';
import { tellOfShed } from './http/shed.ts';
import { nodeMetrics } from './http/worker-metrics.ts';
import { oauthEndpoints } from './oidc/endpoints.ts';
import { cookieKeys, createProvider } from './oidc/provider.ts';
import { queuedOAuthDoor } from './oidc/queued-doors.ts';
import { startUpkeep } from './upkeep.ts';
import { adminConsole } from './web/admin/index.ts';
import { createMailRenderer } from './web/mail-views.ts';
import { pages } from './web/pages.ts';
import { refusedAddressPage } from './web/refused-address.ts';
import { openSite, type Site } from './web/site.ts';

/** What composition can be told beyond the configuration. */
export interface ComposeOptions {
  config: Config;
  log: Log;
  /** Default: the clock of the machine. */
  clock?: Clock;
  /** Where the workers of a node count calls together; default: a count of this thread's own. */
  rateMemory?: SharedArrayBuffer | undefined;
  /** How much work is taken on at a time; default: what was measured to be good. */
  admissionLimits?: Partial<AdmissionLimits>;
}

/** Opened services, and how to let go of them. */
export interface OpenServices {
  services: Services;
  close(): Promise<void>;
}

/** Opens the database, keys, mail and hashing. Throws when one of them cannot be opened. */
export async function openServices({
  config,
  log,
  clock = systemClock,
  rateMemory,
}: ComposeOptions): Promise<OpenServices> {
  const keys = new SecretKeys(config.secretKeys ?? (await openSecretKeys(config.dataDir)));
  const stores = await openStores(config);
  const bcrypt = new BcryptPool({ cost: config.bcryptCost, threads: config.bcryptThreads });
  const mailer = openMailer({
    smtpUrl: config.smtpUrl,
    from: config.mailFrom,
    outbox: join(config.dataDir, 'outbox'),
    render: createMailRenderer(config),
    clock,
    onState: (mail) => stores.mails.record(mail),
    onProblem: (problem, details) => log.error(details, problem),
  });
  const passwords = new Passwords(keys, bcrypt);
  const { issuer, timeZone } = config;
  const services = createServices(
    { clock, issuer, keys, mailer, passwords, stores, timeZone },
    { otherWork, rateMemory, refusalsPerSecond: config.refusalsPerSecond },
  );
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
  { config, log, isDraining, worker = 0, admissionLimits }: AppOptions,
): Promise<Koa> {
  const { stores, clock } = services;
  const priorities = new Priorities(services.directory);
  // Threads share the process: one of them tells of it.
  const metrics = createMetrics(config.nodeEnv !== 'test' && worker === 0);
  metrics.watchDropped(() => services.decisionLog.dropped);
  const shared = nodeMetrics(metrics.registry, config.workers);
  const readAddress = clientAddressReader(config.trustedProxies);
  const observation = { clock, log, metrics, readAddress };
  const decide = decideDoor(services, { log, priorities });
  const site = await openSite();
  const app = createApp({
    issuer: services.issuer,
    observe: sinceArrival(observeRequests(observation)),
    health: healthRoutes({
      stores,
      metrics: shared,
      metricsToken: config.metricsToken,
      isDraining,
    }),
    gateway: gatewayDoors(services, {
      ...{ log, decide, priorities },
      trustedProxies: config.trustedProxies,
    }),
    oauth: oauthEndpoints(await createProvider(services), services, priorities),
    adminAddresses: adminGate({ config, log }, site),
    adminApi: adminApi(services, { adminApiToken: config.adminApiToken ?? null, log }),
    pages: pages(services, site),
    adminConsole: adminConsole(services, {
      site,
      development: config.nodeEnv !== 'production',
      environment: config.environment,
      node: {
        trustsProxies: config.trustedProxies.length > 0,
        hasMailServer: config.smtpUrl !== undefined,
      },
    }),
  });
  app.keys = cookieKeys(services);
  app.on('error', (err, ctx?: Context) =>
    log.error({ err, requestId: ctx?.state['requestId'] }, 'request failed'),
  );
  const observer = requestObserver(observation);
  const lean: LeanDoor = { path: '/decide', method: 'POST', answer: decide, observer, log };
  queueInFront(app, { admission: new Admission(admissionLimits), lean, log, metrics, priorities });
  return app;
}

/** Lets callers to the console and the REST API only from where admins are. */
function adminGate({ config, log }: Pick<AppOptions, 'config' | 'log'>, site: Site): Middleware {
  return adminAddressGate({
    adminAddresses: config.adminAddresses,
    readCaller: certainAddressReader(config.trustedProxies),
    refuseBrowser: refusedAddressPage(site),
    log,
  });
}

interface QueueParts {
  admission: Admission;
  lean: LeanDoor;
  log: Log;
  metrics: Metrics;
  priorities: Priorities;
}

/** What node:http is given refuses, on a saturated node, before anything else of Koa runs. */
function queueInFront(app: Koa, parts: QueueParts): void {
  const { admission, lean, log, metrics, priorities } = parts;
  const callback = app.callback.bind(app);
  metrics.watchQueue(() => admission.queued);
  app.callback = () =>
    queueRequests({
      admission,
      priorities,
      doorAt: (path) => queuedOAuthDoor(path) ?? queuedGatewayDoor(path),
      onRefused: tellOfShed({ admission, log, metrics }),
      serve: besideKoa(lean, callback()),
    }) as ReturnType<Koa['callback']>;
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
