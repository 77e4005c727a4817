import { describe, expect, it } from '@jest/globals';
import pino from 'pino';
import { composeApp, openServices } from '../src/compose.ts';
import { loadConfig } from '../src/config/load.ts';
import { EXPIRED_BATCH } from '../src/domain/stores.ts';
import { startUpkeep } from '../src/upkeep.ts';

type Upkept = Parameters<typeof startUpkeep>[0];

/** Services whose upkeep a test watches. */
function upkept(watched: {
  flush: () => Promise<void>;
  removeExpired?: () => Promise<number>;
}): Upkept {
  const { flush, removeExpired = async () => 0 } = watched;
  const services = {
    clock: { now: () => new Date(0) },
    decisionLog: { flush: async () => {} },
    lastUses: { flush },
    usage: { flush: async () => {} },
    stores: { removeExpired, mails: { forgotten: async () => [] } },
  };
  return services as unknown as Upkept;
}

const log = { warn: () => {} };

describe('upkeep', () => {
  it('removes expired rows batch after batch while a batch was full', async () => {
    const batches = [EXPIRED_BATCH, 2 * EXPIRED_BATCH, 3];
    const left = [...batches];
    const services = upkept({
      flush: async () => {},
      removeExpired: async () => left.shift() ?? 0,
    });
    const stop = startUpkeep(services, { log, everyMs: 1 });
    await until(() => left.length === 0);
    await stop();
  });

  it('removes a bounded number of batches in one round', async () => {
    let [rounds, batches] = [0, 0];
    const services = upkept({
      flush: async () => {
        rounds += 1;
      },
      removeExpired: async () => {
        batches += 1;
        return EXPIRED_BATCH;
      },
    });
    const stop = startUpkeep(services, { log, everyMs: 1 });
    await until(() => rounds >= 9);
    await stop();
    expect(batches).toBe(20 * Math.floor((rounds - 1) / 4));
  });

  it('does not pile up while one round waits: stopping waits for that one and a last write', async () => {
    let flushes = 0;
    const held = Promise.withResolvers<void>();
    const services = upkept({
      flush: () => {
        flushes += 1;
        return flushes === 1 ? held.promise : Promise.resolve();
      },
    });
    const stop = startUpkeep(services, { log, everyMs: 1 });
    await until(() => flushes === 1);
    for (let tick = 0; tick < 20; tick += 1) await nextTick();
    const stopped = stop();
    held.reject(new Error('the database came back too late'));
    await stopped;
    expect(flushes).toBe(2);
  });
});

describe('an error that reaches Koa', () => {
  it('is logged at level error, with the request and without words about its cause', async () => {
    const lines: string[] = [];
    const options = {
      config: loadConfig({
        NODE_ENV: 'test',
        PORT: '0',
        DATABASE_URL: 'sqlite::memory:',
        SECRET_KEYS,
      }),
      log: pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }),
    };
    const { services, close } = await openServices(options);
    const app = await composeApp(services, { ...options, isDraining: () => false });
    app.emit('error', new Error('broken'), { state: { requestId: 'request-1' } });
    app.emit('error', new Error('broken'));
    await close();
    const logged = lines
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => msg === 'request failed');
    expect(logged).toMatchObject([{ level: 50, requestId: 'request-1' }, { level: 50 }]);
  });
});

const SECRET_KEYS = 'q1iT2mZ9xW4vB7nK0pL3sD6fG8hJ5aYcEeRrUuIoPzM';

const nextTick = () => new Promise((resolve) => setTimeout(resolve, 1));

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await nextTick();
}
