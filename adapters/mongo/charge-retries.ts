/**
 * Bills with a retry key. On a replica set a batch is one transaction: it charges, gives back what a
 * later line refused, and inserts the keys; a key that another node has booked meanwhile undoes all of
 * it, and the batch starts over with what is then known. A standalone server has no transactions: there
 * the batches of this process take turns, and a crash after a charge costs the client that call.
 */
import type { ClientSession, mongo } from 'mongoose';
import type {
  Bill,
  PaidRetry,
  Receipt,
  RetryLine,
  Spent,
} from '../../src/domain/usage/charge-store.ts';
import { ANSWER_WITHIN_MS } from './calls.ts';
import { type QuotaCharges, quotaId } from './charge-quotas.ts';
import type { TakeUses } from './charge-uses.ts';
import { inSession, text } from './connection.ts';
import { takenKey, unavailable } from './errors.ts';
import type { Outcome } from './gathering.ts';
import { collection } from './schema.ts';
import type { Transactions } from './unit-of-work.ts';

/** An earlier decision, under its retry key. */
export interface RetryDocument {
  _id: string;
  decisionId: string;
  quotaUsed: number | null;
  uses: number | null;
  expiresAt: Date;
}

export const retrySchema = collection({
  decisionId: String,
  quotaUsed: Number,
  uses: Number,
  expiresAt: Date,
});
retrySchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

/** A bill with a retry key, and when it came. */
export interface RetryCall extends Bill {
  retry: RetryLine;
  now: Date;
}

type Receipts = Map<RetryCall, Receipt>;

/** What a batch is booked with. */
export interface Books {
  retries: mongo.Collection<RetryDocument>;
  quotas: QuotaCharges;
  takeUses: TakeUses;
  atomically: Transactions['atomically'];
}

/** Books a batch: of the calls with one key one, which the others repeat. */
export async function bookRetries(books: Books, calls: RetryCall[]): Promise<Outcome<Receipt>[]> {
  const deadline = performance.now() + ANSWER_WITHIN_MS;
  const receipts: Receipts = new Map();
  const open = () => calls.filter((call) => !receipts.has(call));
  while (open().length > 0) {
    await settlePaid(books, open(), receipts);
    const asked = open();
    await settleFirsts(books, asked, receipts).catch((error: unknown) => {
      if (takenKey(error) === null) throw error;
      if (performance.now() > deadline) throw unavailable(error);
    });
    // What looked full may have been filled by the same key on another node, between look and charge.
    const refused = asked.filter((call) => receipts.get(call)?.outcome === 'refused');
    if (refused.length > 0) await settlePaid(books, refused, receipts);
  }
  return calls.map((call) => ({ value: receipts.get(call) as Receipt }));
}

/** The port's view of a retry document. */
export function paidRetry({ decisionId, quotaUsed, uses }: RetryDocument): PaidRetry {
  return { decisionId, quotaUsed, uses };
}

async function settlePaid(books: Books, open: RetryCall[], receipts: Receipts): Promise<void> {
  const keys = [...new Set(open.map(({ retry }) => text(retry.key)))];
  const found = await books.retries.find({ _id: { $in: keys } }).toArray();
  const byKey = new Map(found.map((document) => [document._id, document]));
  for (const call of open) {
    const paid = byKey.get(call.retry.key);
    if (paid === undefined || paid.expiresAt <= call.now) continue;
    receipts.set(call, { outcome: 'repeated', ...paidRetry(paid) });
  }
}

/** Books the first open call of each key. What refuses it refuses those that are alike. */
async function settleFirsts(books: Books, open: RetryCall[], receipts: Receipts): Promise<void> {
  if (open.length === 0) return;
  const firsts = new Map<string, RetryCall>();
  for (const call of open) if (!firsts.has(call.retry.key)) firsts.set(call.retry.key, call);
  const settled = await books.atomically((session) =>
    bookOnce(books, [...firsts.values()], session),
  );
  for (const [first, receipt] of settled) {
    receipts.set(first, receipt);
    if (receipt.outcome !== 'refused') continue;
    for (const call of open) if (isAlike(call, first)) receipts.set(call, receipt);
  }
}

function isAlike(call: RetryCall, first: RetryCall): boolean {
  const lines = ({ retry, weight, quota, uses }: RetryCall) =>
    JSON.stringify([retry.key, weight, quota && [quotaId(quota), quota.limit], uses]);
  return call.now >= first.now && lines(call) === lines(first);
}

/** Books calls of different keys. One that is to be tried again gets no receipt. */
async function bookOnce(
  { retries, quotas, takeUses }: Books,
  calls: RetryCall[],
  session: ClientSession | undefined,
): Promise<Receipts> {
  const receipts: Receipts = new Map();
  const quotaUsed = await taken(calls, quotaCharge, (id, charges) =>
    quotas.take(id, charges, session),
  );
  const fitting = calls.filter((call) => quotaUsed.get(call) !== null);
  const uses = await taken(fitting, useCharge, (id, charges) => takeUses(id, charges, session));
  const exhausted = fitting.filter((call) => uses.get(call) === null);
  await taken(exhausted, quotaCharge, async (id, charges) => {
    const weights = charges.map(({ weight }) => weight);
    await quotas.giveBack(id, weights, session);
    return weights;
  });
  for (const call of exhausted) receipts.set(call, { outcome: 'refused', line: 'uses' });
  // What was given back may be room for those that the quota refused: they are tried again.
  const full = exhausted.length > 0 ? [] : calls.filter((call) => quotaUsed.get(call) === null);
  for (const call of full) receipts.set(call, { outcome: 'refused', line: 'quota' });

  const statements = fitting.flatMap((call) => {
    if (receipts.has(call)) return [];
    const spent = { quotaUsed: quotaUsed.get(call) ?? null, uses: uses.get(call) ?? null };
    receipts.set(call, { outcome: 'booked', ...spent });
    return [insertion(call, spent)];
  });
  if (statements.length > 0) await retries.bulkWrite(statements, inSession(session));
  return receipts;
}

/** Charges one line of each call that has it, a statement for each document that is charged. */
async function taken<C>(
  calls: RetryCall[],
  chargeOf: (call: RetryCall) => { id: string; charge: C } | null,
  take: (id: string, charges: C[]) => Promise<(number | null)[]>,
): Promise<Map<RetryCall, number | null>> {
  const groups = new Map<string, { call: RetryCall; charge: C }[]>();
  for (const call of calls) {
    const line = chargeOf(call);
    if (line === null) continue;
    groups.set(line.id, [...(groups.get(line.id) ?? []), { call, charge: line.charge }]);
  }
  const answers = new Map<RetryCall, number | null>();
  for (const [id, group] of groups) {
    const totals = await take(
      id,
      group.map(({ charge }) => charge),
    );
    for (const [index, { call }] of group.entries()) answers.set(call, totals[index] ?? null);
  }
  return answers;
}

function quotaCharge({ weight, quota }: RetryCall) {
  return quota && { id: quotaId(quota), charge: { weight, quota } };
}

function useCharge({ weight, uses, now }: RetryCall) {
  return uses && { id: text(uses.tokenId), charge: { weight, now } };
}

/** An unexpired document is not matched; then the upsert inserts, and its id is taken. */
function insertion({ retry, now }: RetryCall, spent: Spent) {
  const { key, decisionId, expiresAt } = retry;
  const { quotaUsed, uses } = spent;
  return {
    updateOne: {
      filter: { _id: text(key), expiresAt: { $lte: now } },
      update: { $set: { decisionId, quotaUsed, uses, expiresAt } },
      upsert: true,
    },
  };
}
