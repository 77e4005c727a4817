/**
 * Upkeep beside the requests: notes that were buffered are written, what has expired is removed, mails
 * that a dead process left behind are sent.
 */
import { setImmediate as otherWork } from 'node:timers/promises';
import { takeUpMails } from './domain/mails/take-up-mails.ts';
import type { Services } from './domain/services.ts';
import { EXPIRED_BATCH } from './domain/stores.ts';
import type { Log } from './http/log.ts';

/** How often notes are written: a refusal can be found within half a second. */
const UPKEEP_MS = 250;
/** Rounds of upkeep from one removal of expired rows to the next. */
const REMOVE_EXPIRED_EVERY = 4;
/** Batches of expired rows that one round removes: 20,000 rows of each kind a second in the long run. */
const MOST_BATCHES = 20;
/** Rounds from one batch of forgotten mails to the next: 5 seconds. */
const TAKE_UP_MAILS_EVERY = 20;

/** Options of the upkeep. */
export interface UpkeepOptions {
  log: Pick<Log, 'warn'>;
  /** Milliseconds between two rounds; default 250. */
  everyMs?: number;
}

/**
 * Writes buffered observations, removes expired rows and takes forgotten mails up, until stopped; what
 * is buffered then is written.
 */
export function startUpkeep(
  services: Pick<Services, 'clock' | 'decisionLog' | 'lastUses' | 'mailer' | 'stores' | 'usage'>,
  { log, everyMs = UPKEEP_MS }: UpkeepOptions,
): () => Promise<void> {
  let rounds = 0;
  let running: Promise<void> | null = null;
  /** Where the next batch of forgotten mails begins. */
  let nextMails = '';

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
  /** Each buffer for itself: one that cannot be written keeps none of the others. */
  async function flush(): Promise<void> {
    const { decisionLog, lastUses, usage } = services;
    const flushed = await Promise.allSettled([
      decisionLog.flush(),
      usage.flush(),
      lastUses.flush(),
    ]);
    const failed = flushed.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
  async function round(): Promise<void> {
    rounds += 1;
    await flush();
    if (rounds % REMOVE_EXPIRED_EVERY === 0) await removeExpired();
    if (rounds % TAKE_UP_MAILS_EVERY === 0) nextMails = await takeUpMails(services, nextMails);
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
    await trying(flush);
  };
}
