/**
 * Charges: quotas, uses of access tokens and retries. Each line is one conditional statement, which a
 * majority has on disk before it is answered; retried after a lost connection, it counts once. A bill
 * with both is charged in that order, and the quota is given back when the uses are refused: a crash in
 * between costs the client that call. A bill with a retry key is one transaction; see charge-retries.ts.
 */
import type { Bill, ChargeStore, QuotaLine, Receipt } from '../../src/domain/usage/charge-store.ts';
import { type QuotaCharge, quotaCharges, quotaId } from './charge-quotas.ts';
import { bookRetries, paidRetry, type RetryCall, type RetryDocument } from './charge-retries.ts';
import { type UseCharge, useCharges } from './charge-uses.ts';
import { type Database, text } from './connection.ts';
import { gatheringByKey } from './gathering.ts';
import type { TokenDocument } from './token-document.ts';
import type { Transactions } from './unit-of-work.ts';

/** Charges of a database. */
export function chargeStore(database: Database, { atomically }: Transactions): ChargeStore {
  const retries = database.native<RetryDocument>('retries');
  const quotas = quotaCharges(database.native('quotas'));
  const takeUses = useCharges(database.native<TokenDocument>('tokens'));
  const bookLines = lineBooker(quotas, takeUses);
  const bookRetry = gatheringByKey((_, calls: RetryCall[]) =>
    bookRetries({ retries, quotas, takeUses, atomically }, calls),
  );
  return {
    book({ retry, ...bill }, now) {
      if (retry === null) return bookLines(bill, now);
      const key = database.transactions ? payer(bill, retry.key) : '';
      return bookRetry(key, { ...bill, retry, now });
    },
    async findRetry(key, now) {
      const found = await retries.findOne({ _id: text(key), expiresAt: { $gt: now } });
      return found && paidRetry(found);
    },
    quotaUsed: async (clientId, window) => quotas.used(quotaId({ clientId, window })),
    quotasUsed: async (windows) => quotas.usedOf(windows.map(quotaId)),
  };
}

type Lines = Omit<Bill, 'retry'>;

/** Who pays: bills of one payer share a transaction, since two would compete for its documents. */
function payer({ quota, uses }: Lines, retryKey: string): string {
  return quota?.clientId ?? uses?.tokenId ?? retryKey;
}

/** Books bills without a retry key. */
function lineBooker(
  quotas: ReturnType<typeof quotaCharges>,
  takeUses: ReturnType<typeof useCharges>,
): (bill: Lines, now: Date) => Promise<Receipt> {
  const outcomes = <T>(values: T[]) => values.map((value) => ({ value }));
  const takeQuota = gatheringByKey(async (id, charges: QuotaCharge[]) =>
    outcomes(await quotas.take(id, charges)),
  );
  const giveBack = gatheringByKey(async (id, weights: number[]) => {
    await quotas.giveBack(id, weights);
    return outcomes(weights);
  });
  const take = gatheringByKey(async (id, charges: UseCharge[]) =>
    outcomes(await takeUses(id, charges)),
  );

  async function usesAfterQuota(tokenId: string, charge: UseCharge, quota: QuotaLine | null) {
    const refund = async () => void (quota && (await giveBack(quotaId(quota), charge.weight)));
    const uses = await take(tokenId, charge).catch(async (error: unknown) => {
      await refund().catch(() => {});
      throw error;
    });
    if (uses === null) await refund();
    return uses;
  }

  return async ({ weight, quota, uses: line }, now) => {
    const quotaUsed = quota && (await takeQuota(quotaId(quota), { weight, quota }));
    if (quota !== null && quotaUsed === null) return { outcome: 'refused', line: 'quota' };
    const uses = line && (await usesAfterQuota(text(line.tokenId), { weight, now }, quota));
    if (line !== null && uses === null) return { outcome: 'refused', line: 'uses' };
    return { outcome: 'booked', quotaUsed, uses };
  };
}
