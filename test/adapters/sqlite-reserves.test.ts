/** Charges that run ahead of the disk: what is left of them after a power cut, a kill, or an orderly end. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RESERVED_MOST } from '../../adapters/sqlite/reserves.ts';
import type { Stores } from '../../src/domain/stores.ts';
import type { Receipt, RetryLine } from '../../src/domain/usage/charge-store.ts';
import {
  accessTokenFixture,
  billFixture,
  NOW,
  quotaFixture,
  retryFixture,
} from '../support/contract-fixtures.ts';
import { type Machine, MachineRoom, type Picture, SECOND_BOOT } from './machine.ts';

const RUNS = 60;
/** Each run opens several databases. */
const TIMEOUT_MS = 180_000;

const room = new MachineRoom();
beforeAll(() => room.prepare());
afterAll(() => room.clear());

/** A limit, and what of it is spent before the bills come, in percent. */
interface DrawnAccount {
  limit: number;
  percent: number;
}

interface DrawnBill {
  weight: number;
  /** Place of the quota, token and retry key. */
  quota: number | null;
  token: number | null;
  key: number | null;
}

interface Plan {
  quotas: DrawnAccount[];
  tokens: DrawnAccount[];
  /** Bills of a step are asked for at once. */
  steps: { bills: DrawnBill[]; isAwaited: boolean }[];
  /** Turns of the event loop that a sync takes longer. */
  lag: number;
  /** The power is cut after so many answers, and begins and ends of syncs. */
  cutAt: number;
}

const limit = fc.oneof(
  fc.integer({ min: 5, max: 100 }),
  fc.integer({ min: 800, max: 5000 }),
  fc.integer({ min: 100_000, max: 10_000_000 }),
);
const percent = fc.integer({ min: 0, max: 99 });
const drawnBill: fc.Arbitrary<DrawnBill> = fc
  .record({
    weight: fc.integer({ min: 1, max: 50 }),
    quota: fc.option(fc.nat({ max: 2 }), { freq: 4 }),
    token: fc.option(fc.nat({ max: 1 }), { freq: 2 }),
    key: fc.option(fc.nat({ max: 2 }), { freq: 2 }),
  })
  .filter(({ quota, token }) => quota !== null || token !== null);
const plan: fc.Arbitrary<Plan> = fc.record({
  quotas: fc.array(fc.record({ limit, percent }), { minLength: 3, maxLength: 3 }),
  tokens: fc.array(fc.record({ limit: fc.oneof(limit, fc.constant(0)), percent }), {
    minLength: 2,
    maxLength: 2,
  }),
  steps: fc.array(
    fc.record({
      bills: fc.array(drawnBill, { minLength: 1, maxLength: 8 }),
      isAwaited: fc.boolean(),
    }),
    { minLength: 5, maxLength: 30 },
  ),
  lag: fc.nat({ max: 4 }),
  cutAt: fc.nat({ max: 200 }),
});

/** What callers know of an account. */
interface Told {
  /** The highest figure that was answered. */
  answered: number;
  /** Units that were asked for, and are not answered yet. */
  open: number;
  /** 0 = none. */
  limit: number;
}

/** What there was at the moment of the cut. */
interface Cut {
  machine: Machine;
  accounts: Accounts;
  synced: Picture;
  cached: Picture;
  told: Told[];
  /** Of all commits. */
  figures: number[];
}

/** The accounts of a plan: its quotas, then its tokens. */
class Accounts {
  readonly #quotas;
  readonly #tokens;
  /** By what they are scoped to and their place: a retry is charged to what the call was. */
  readonly #keys = new Map<string, RetryLine>();
  readonly told: Told[];

  constructor({ quotas, tokens }: Plan) {
    this.#quotas = quotas.map(({ limit }) => quotaFixture({ limit }));
    this.#tokens = tokens.map(({ limit }) => accessTokenFixture({ maxUses: limit }));
    this.told = [...quotas, ...tokens].map(({ limit }) => ({ answered: 0, open: 0, limit }));
  }

  async issue(stores: Stores): Promise<void> {
    for (const token of this.#tokens) await stores.tokens.issue(token, null);
  }

  async figures(stores: Stores): Promise<number[]> {
    const used = this.#quotas.map((q) => stores.charges.quotaUsed(q.clientId, q.window));
    const uses = this.#tokens.map(async ({ tokenId }) => {
      return (await stores.tokens.findAccess(tokenId))?.uses ?? 0;
    });
    return Promise.all([...used, ...uses]);
  }

  /** Books a bill, and keeps what its caller knows. */
  async book(stores: Stores, { weight, quota, token, key }: DrawnBill): Promise<Receipt> {
    const charged = [quota, token === null ? null : token + this.#quotas.length].map((place) =>
      place === null ? null : (this.told[place] as Told),
    );
    for (const each of charged) if (each !== null) each.open += weight;
    const tokenId = this.#tokens[token ?? 0]?.tokenId ?? '';
    const bill = billFixture({
      weight,
      quota: quota === null ? null : (this.#quotas[quota] ?? null),
      uses: token === null ? null : { tokenId },
      retry: key === null ? null : this.#keyOf(`${quota} ${token} ${key}`),
    });
    const receipt = await stores.charges.book(bill, NOW);
    for (const each of charged) if (each !== null) each.open -= weight;
    if (receipt.outcome === 'refused') return receipt;
    for (const [i, figure] of [receipt.quotaUsed, receipt.uses].entries()) {
      const each = charged[i];
      if (each) each.answered = Math.max(each.answered, figure ?? 0);
    }
    return receipt;
  }

  #keyOf(scope: string): RetryLine {
    const retry = this.#keys.get(scope) ?? retryFixture();
    this.#keys.set(scope, retry);
    return retry;
  }
}

/** Books the bills of a plan, and cuts the power meanwhile or at the end. */
async function cutOf(drawn: Plan): Promise<Cut> {
  const machine = room.machine();
  const stores = await machine.open();
  const accounts = new Accounts(drawn);
  await accounts.issue(stores);
  await spendBefore(stores, accounts, drawn);
  const cuts: Promise<Cut>[] = [];
  const cut = async (): Promise<Cut> => {
    const told = accounts.told.map((each) => ({ ...each }));
    const pictures = { synced: machine.synced(), cached: machine.cached() };
    return { machine, accounts, ...pictures, told, figures: await accounts.figures(stores) };
  };
  let moments = 0;
  const moment = () => {
    if (moments === drawn.cutAt) cuts.push(cut());
    moments += 1;
  };
  machine.onMoment = moment;
  machine.gate = (settle) => later(drawn.lag, () => settle(null));
  const asked: Promise<unknown>[] = [];
  for (const { bills, isAwaited } of drawn.steps) {
    const step = bills.map((bill) => accounts.book(stores, bill).then(moment));
    asked.push(...step);
    await (isAwaited ? Promise.all(step) : turn());
  }
  await Promise.all(asked);
  const [first = cut()] = cuts;
  const found = await first;
  machine.onMoment = () => undefined;
  await stores.close();
  return found;
}

async function spendBefore(stores: Stores, accounts: Accounts, { quotas, tokens }: Plan) {
  const before = [
    ...quotas.map((account, quota) => ({ ...account, quota, token: null })),
    ...tokens.map((account, token) => ({ ...account, quota: null, token })),
  ];
  for (const { limit, percent, quota, token } of before) {
    const weight = Math.floor((limit * percent) / 100);
    if (weight > 0) await accounts.book(stores, { weight, quota, token, key: null });
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function later(turns: number, call: () => void): void {
  if (turns === 0) call();
  else setImmediate(() => later(turns - 1, call));
}

/** What a power cut may cost an account at most, by ADR 12. */
function costOf({ answered, limit }: Told): number {
  return limit === 0 ? RESERVED_MOST : Math.min(RESERVED_MOST, (limit - answered) * 0.01);
}

/** The figures that a machine finds when it starts with a picture. */
async function figuresAfter({ machine, accounts }: Cut, picture: Picture): Promise<number[]> {
  const restored = machine.restored(picture);
  const figures = await accounts.figures(await restored.open({ boot: SECOND_BOOT }));
  expect(restored.reserves()).toEqual([]);
  return figures;
}

function expectWithinBounds(figures: number[], told: Told[]): void {
  for (const [i, each] of told.entries()) {
    const figure = figures[i] ?? Number.NaN;
    expect(figure).toBeGreaterThanOrEqual(each.answered);
    expect(figure).toBeLessThanOrEqual(each.answered + each.open + costOf(each));
    if (each.limit > 0) expect(figure).toBeLessThanOrEqual(each.limit);
  }
}

describe('after a power cut', () => {
  it.each([
    ['nothing since the last sync was kept', 'synced'],
    ['all that was written was kept', 'cached'],
  ] as const)(
    'no unit is granted twice, and no more is lost than was reserved: %s',
    async (_what, kept) => {
      await fc.assert(
        fc.asyncProperty(plan, async (drawn) => {
          const cut = await cutOf(drawn);
          expectWithinBounds(await figuresAfter(cut, cut[kept]), cut.told);
        }),
        { numRuns: RUNS },
      );
    },
    TIMEOUT_MS,
  );

  it('costs an account what was reserved, and a figure that was answered at once holds', async () => {
    const machine = room.machine();
    const charge = charging(await machine.open(), 1_000_000);
    await charge(1);
    const [syncs, kept] = [machine.syncs, machine.synced()];
    for (let figure = 2; figure <= 100; figure += 1) expect(await charge(1)).toBe(figure);
    expect(machine.syncs).toBe(syncs);
    expect(machine.synced()).toBe(kept);
    const stores = await machine.restored(kept).open({ boot: SECOND_BOOT });
    expect(await charging(stores, 1_000_000)(1)).toBe(1 + RESERVED_MOST + 1);
  });
});

describe('after a process was killed', () => {
  it(
    'figures are those of all commits, and charges go on exactly up to the limit',
    async () => {
      await fc.assert(
        fc.asyncProperty(plan, async (drawn) => {
          const cut = await cutOf(drawn);
          const machine = cut.machine.restored(cut.cached);
          const reserves = machine.reserves();
          const stores = await machine.open();
          expect(await cut.accounts.figures(stores)).toEqual(cut.figures);
          expect(machine.reserves()).toEqual(reserves);
          await expectExactToTheLimit(stores, cut, drawn);
        }),
        { numRuns: RUNS },
      );
    },
    TIMEOUT_MS,
  );
});

/** Books what is left of every quota but one unit, then that unit, then one too many. */
async function expectExactToTheLimit(stores: Stores, cut: Cut, { quotas }: Plan): Promise<void> {
  for (const [quota, { limit }] of quotas.entries()) {
    const left = limit - (cut.figures[quota] ?? 0);
    const book = (weight: number) =>
      cut.accounts.book(stores, { weight, quota, token: null, key: null });
    if (left > 1) expect(await book(left - 1)).toMatchObject({ quotaUsed: limit - 1 });
    if (left > 0) expect(await book(1)).toMatchObject({ outcome: 'booked', quotaUsed: limit });
    expect(await book(1)).toEqual({ outcome: 'refused', line: 'quota' });
  }
}

describe('after a process ended in order', () => {
  it('nothing is charged and no reserve is left, whenever the power is cut next', async () => {
    const machine = room.machine();
    const stores = await machine.open();
    const token = accessTokenFixture({ maxUses: 0 });
    await stores.tokens.issue(token, null);
    const [charge, use] = [charging(stores, 1_000_000), using(stores, token.tokenId)];
    for (let i = 0; i < 10; i += 1) await Promise.all([charge(3), use(2)]);
    expect(machine.reserves().map(({ kind, figure }) => [kind, figure])).toEqual([
      ['quota', 3 + RESERVED_MOST],
      ['uses', 2 + RESERVED_MOST],
    ]);
    await stores.close();
    for (const picture of [machine.synced(), machine.cached()]) {
      const restored = machine.restored(picture);
      const again = await restored.open({ boot: SECOND_BOOT });
      expect(restored.reserves()).toEqual([]);
      expect(await charging(again, 1_000_000)(1)).toBe(31);
      expect(await using(again, token.tokenId)(1)).toBe(21);
    }
  });
});

describe('two processes with one account', () => {
  const LIMIT = 100_000;

  it('are exact, and one that ends leaves the reserve of the other', async () => {
    const machine = room.machine();
    const [first, second] = [await machine.open(), await machine.open()];
    const charges = [charging(first, LIMIT), charging(second, LIMIT)] as const;
    for (let figure = 1; figure <= 600; figure += 1) {
      expect(await charges[figure % 2 === 0 ? 0 : 1](1)).toBe(figure);
    }
    const before = machine.reserves();
    expect(before).toHaveLength(2);
    await first.close();
    const [left, ...none] = machine.reserves();
    expect(none).toEqual([]);
    expect(before).toContainEqual(left);
    for (let figure = 601; figure <= 900; figure += 1) expect(await charges[1](1)).toBe(figure);
    await expectCutWithin(machine, 900, LIMIT);
  });

  it('are never granted too many, whichever of them charged last', async () => {
    for (const last of [0, 1] as const) {
      const machine = room.machine();
      const stores = [await machine.open(), await machine.open()] as const;
      await charging(stores[0], LIMIT)(1);
      await charging(stores[1], LIMIT)(100);
      const figures = [];
      for (let i = 0; i < 120; i += 1) figures.push(await charging(stores[last], LIMIT)(1));
      await expectCutWithin(machine, Math.max(...figures.map(Number)), LIMIT);
    }
  });
});

async function expectCutWithin(machine: Machine, answered: number, limit: number): Promise<void> {
  for (const picture of [machine.synced(), machine.cached()]) {
    const stores = await machine.restored(picture).open({ boot: SECOND_BOOT });
    const figure = await stores.charges.quotaUsed(QUOTA.clientId, QUOTA.window);
    expectWithinBounds([figure], [{ answered, open: 0, limit }]);
  }
}

describe('the disk', () => {
  it('is waited for fewer than 100 times in 2,000 charges of a quota of 1,000,000', async () => {
    const machine = room.machine();
    const charge = charging(await machine.open(), 1_000_000);
    const before = machine.syncs;
    for (let i = 0; i < 2000; i += 1) await charge(1);
    expect(machine.syncs - before).toBeLessThan(100);
    expect(machine.syncs - before).toBeGreaterThanOrEqual(2000 / RESERVED_MOST);
  });

  it.each([
    ['of a quota of 100', {}, 100],
    ['where the boot is not known', { boot: null }, 1_000_000],
  ])('is waited for by each charge %s', async (_what, options, limit) => {
    const machine = room.machine();
    const charge = charging(await machine.open(options), limit);
    const before = machine.syncs;
    for (let i = 1; i <= 50; i += 1) {
      await charge(1);
      expect(machine.syncs - before).toBe(i);
    }
    expect(machine.reserves()).toEqual([]);
  });
});

const QUOTA = quotaFixture();

/** Charges the same quota whatever the store; answers what is used, or null when refused. */
function charging({ charges }: Stores, limit: number) {
  return async (weight: number): Promise<number | null> => {
    const receipt = await charges.book(billFixture({ weight, quota: { ...QUOTA, limit } }), NOW);
    return receipt.outcome === 'refused' ? null : receipt.quotaUsed;
  };
}

/** Spends uses of a token; answers those spent, or null when refused. */
function using({ charges }: Stores, tokenId: string) {
  return async (weight: number): Promise<number | null> => {
    const receipt = await charges.book(billFixture({ weight, uses: { tokenId } }), NOW);
    return receipt.outcome === 'refused' ? null : receipt.uses;
  };
}
