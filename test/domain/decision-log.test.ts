/** The log of decisions: what a flood leaves of it, what an outage leaves, and what is sampled. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openSqliteStores } from '../../adapters/sqlite/index.ts';
import {
  DecisionLog,
  REFUSALS,
  SAMPLES,
  STRANGERS,
} from '../../src/domain/decision/decision-log.ts';
import type { DecisionRecord, DecisionStore } from '../../src/domain/decision/decision-store.ts';
import { DomainError } from '../../src/domain/errors.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { fromNow, NOW } from './support.ts';

const UNAVAILABLE = { code: 'store_unavailable' };

function recordOf(decisionId: string, reason: DecisionRecord['reason'] = 'token_expired') {
  const record: DecisionRecord = {
    ...{ decisionId, at: NOW, place: 'call', reason, clientId: 'orders', userId: null },
    ...{ callerId: null, address: '192.0.2.1', method: 'GET', path: '/orders', apiId: 'api-1' },
    grantType: null,
    credential: { kind: 'access_token', id: 'token-1', scopes: [] },
    ...{ weight: 1, trace: [], expiresAt: fromNow(86_400) },
  };
  return record;
}

describe('DecisionLog', () => {
  let stores: Stores;
  let log: DecisionLog;
  /** What happened, in order: sizes of the batches that reached the store, and turns of other work. */
  let events: (number | 'other work')[];
  /** Batches that the store still takes before it stops answering. */
  let answersLeft: number;
  /** Id of a record that the store takes for unfit. */
  let unfit: string | null;

  beforeEach(async () => {
    stores = await openSqliteStores({ path: ':memory:' });
    events = [];
    answersLeft = Number.POSITIVE_INFINITY;
    unfit = null;
    const failing: DecisionStore = {
      ...stores.decisions,
      async record(records) {
        events.push(records.length);
        if (answersLeft <= 0) throw new DomainError('store_unavailable');
        if (records.some(({ decisionId }) => decisionId === unfit)) throw new TypeError(`${unfit}`);
        answersLeft -= 1;
        await stores.decisions.record(records);
      },
    };
    log = new DecisionLog(failing, { otherWork: async () => void events.push('other work') });
  });
  afterEach(() => stores.close());

  /** Notes refusals with ids from `prefix-0` on; answers how often each was made. */
  function noteMany(count: number, prefix = 'd', when: { at?: Date; isStranger?: boolean } = {}) {
    const { at = NOW, isStranger = false } = when;
    const made = Array.from({ length: count }, () => 0);
    for (let i = 0; i < count; i += 1) {
      log.note(at, isStranger, () => {
        made[i] = (made[i] ?? 0) + 1;
        return recordOf(`${prefix}-${i}`);
      });
    }
    return made;
  }
  const isStored = async (id: string) => (await stores.decisions.find(id, NOW)) !== null;
  const written = () => events.reduce<number>((sum, e) => sum + (e === 'other work' ? 0 : e), 0);

  it('makes records at the flush only, each once', async () => {
    const made = noteMany(3);
    expect(made).toEqual([0, 0, 0]);
    await log.flush();
    await log.flush();
    expect(made).toEqual([1, 1, 1]);
    expect(await stores.decisions.find('d-1', NOW)).toStrictEqual(recordOf('d-1'));
    expect(events).toEqual([3, 'other work']);
  });

  it('lets other work have its turn after every 500 records', async () => {
    noteMany(1100);
    await log.flush();
    const turn = 'other work';
    expect(events).toEqual([500, turn, 500, turn, 100, turn]);
  });

  it('keeps the others when a record cannot be made, and throws its error at the end', async () => {
    noteMany(600, 'before');
    log.note(NOW, false, () => {
      throw new RangeError('a check without a name');
    });
    noteMany(600, 'after');
    await expect(log.flush()).rejects.toThrow('a check without a name');
    expect(written()).toBe(1200);
    expect(await isStored('before-599')).toBe(true);
    expect(await isStored('after-599')).toBe(true);
    expect(log.dropped).toBe(1);
    await log.flush();
    expect(written()).toBe(1200);
  });

  it('keeps the others when a record cannot be stored', async () => {
    unfit = 'd-7';
    noteMany(10);
    await expect(log.flush()).rejects.toThrow('d-7');
    expect(await isStored('d-6')).toBe(true);
    expect(await isStored('d-9')).toBe(true);
    expect(await isStored('d-7')).toBe(false);
    expect(log.dropped).toBe(1);
    await expect(log.flush()).resolves.toBeUndefined();
  });

  it('loses nothing while the store does not answer, and makes no record twice', async () => {
    const made = noteMany(1200);
    answersLeft = 1;
    await expect(log.flush()).rejects.toMatchObject(UNAVAILABLE);
    await expect(log.flush()).rejects.toMatchObject(UNAVAILABLE);
    noteMany(1, 'later');
    answersLeft = Number.POSITIVE_INFINITY;
    await log.flush();
    for (const id of ['d-0', 'd-499', 'd-500', 'd-1199', 'later-0']) {
      expect(await isStored(id)).toBe(true);
    }
    expect(made.every((times) => times === 1)).toBe(true);
    expect(log.dropped).toBe(0);
  });

  it('writes one flush after the other', async () => {
    noteMany(10);
    const first = log.flush();
    await log.flush();
    expect(await isStored('d-9')).toBe(true);
    expect(written()).toBe(10);
    await first;
  });

  it('keeps a burst of refusals and drops what is beyond, then keeps as many as time allows', async () => {
    noteMany(REFUSALS.burst + 5, 'burst');
    expect(log.dropped).toBe(5);
    await log.flush();
    expect(written()).toBe(REFUSALS.burst);
    noteMany(REFUSALS.perSecond + 1, 'second', { at: fromNow(1) });
    expect(log.dropped).toBe(6);
    noteMany(1, 'earlier', { at: NOW });
    noteMany(1, 'same', { at: fromNow(1) });
    expect(log.dropped).toBe(8);
    noteMany(REFUSALS.perSecond / 2 + 1, 'half', { at: fromNow(1.5) });
    expect(log.dropped).toBe(9);
    await log.flush();
    noteMany(REFUSALS.burst + 1, 'rested', { at: fromNow(86_400) });
    expect(log.dropped).toBe(10);
  });

  it('keeps no more than a burst through a long outage', async () => {
    noteMany(STRANGERS.burst, 's', { isStranger: true });
    noteMany(100, 't', { at: fromNow(3600), isStranger: true });
    expect(log.dropped).toBe(100);
    await log.flush();
    noteMany(100, 'u', { at: fromNow(3600), isStranger: true });
    expect(log.dropped).toBe(100);
  });

  it('lets strangers use up their own allowance only', async () => {
    noteMany(STRANGERS.burst + 7, 'stranger', { isStranger: true });
    expect(log.dropped).toBe(7);
    noteMany(REFUSALS.burst, 'known');
    expect(log.dropped).toBe(7);
    await log.flush();
    expect(written()).toBe(STRANGERS.burst + REFUSALS.burst);
  });

  it('samples one allowed call of each kind an hour', async () => {
    const sample = (id: string, key: string, at = NOW) =>
      log.sample(at, key, () => recordOf(id, null));
    sample('one', 'orders api-1');
    sample('again', 'orders api-1', fromNow(10));
    sample('other', 'orders api-2');
    sample('next-hour', 'orders api-1', new Date('2027-03-31T17:00:00.000Z'));
    await log.flush();
    const stored = await Promise.all(['one', 'again', 'other', 'next-hour'].map(isStored));
    expect(stored).toEqual([true, false, true, true]);
  });

  it('samples a kind later that found the allowance spent, and counts no loss', async () => {
    for (let i = 0; i <= SAMPLES.burst; i += 1) {
      log.sample(NOW, `kind-${i}`, () => recordOf(`sample-${i}`, null));
    }
    await log.flush();
    expect(written()).toBe(SAMPLES.burst);
    const last = `sample-${SAMPLES.burst}`;
    expect(await isStored(last)).toBe(false);
    log.sample(fromNow(1), `kind-${SAMPLES.burst}`, () => recordOf(last, null));
    await log.flush();
    expect(await isStored(last)).toBe(true);
    expect(log.dropped).toBe(0);
  });
});
