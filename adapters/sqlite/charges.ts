/**
 * Charges: quotas, uses of access tokens and retries. Bills that wait for the same transaction are one
 * job of the writer, and jobs run one after the other under the write lock (ADR 6).
 */
import type { Bill, ChargeStore, Receipt } from '../../src/domain/usage/charge-store.ts';
import { billStatements, bookBills, type DatedBill, paidRetry } from './bills.ts';
import type { Connection } from './connection.ts';
import { reading } from './errors.ts';

/** Bills that wait for one transaction. */
interface Batch {
  bills: DatedBill[];
  /** In the order of the bills. */
  receipts: Promise<Receipt[]>;
}

/** The charges of a connection. */
export function chargeStore(connection: Connection): ChargeStore {
  const sql = billStatements(connection);
  let open: Batch | null = null;

  function begin(): Batch {
    const bills: DatedBill[] = [];
    // Atomic: should a statement fail, none of the bills is left half booked.
    const receipts = connection.transact(() => {
      open = null;
      return bookBills(sql, bills);
    });
    const batch = { bills, receipts };
    // Where the transaction could not even begin, the next bill must not join it.
    receipts.catch(() => {
      if (open === batch) open = null;
    });
    return batch;
  }

  async function book(bill: Bill, now: Date): Promise<Receipt> {
    open ??= begin();
    const place = open.bills.push({ bill, now }) - 1;
    return (await open.receipts)[place] as Receipt;
  }

  return {
    book,
    findRetry: (key, now) => reading(() => paidRetry(sql, key, now)),
    quotaUsed: (clientId, window) => reading(() => sql.quota.get(clientId, window)?.used ?? 0),
    quotasUsed: (windows) =>
      reading(() => windows.map((one) => sql.quota.get(one.clientId, one.window)?.used ?? 0)),
  };
}
