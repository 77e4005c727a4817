/**
 * Charges: quotas, uses of access tokens and retries. Bills that wait for the same transaction are one
 * job of the writer, and jobs run one after the other under the write lock (ADR 6).
 */
import type { Bill, ChargeStore, PaidRetry, Receipt } from '../../src/domain/usage/charge-store.ts';
import { type Booked, billStatements, bookBills, type DatedBill, paidRetry } from './bills.ts';
import type { Connection } from './connection.ts';
import { reading } from './errors.ts';
import type { Reserves } from './reserves.ts';

/** Bills that wait for one transaction. */
interface Batch {
  bills: DatedBill[];
  done: Promise<BatchDone>;
}

/** A batch whose transaction is committed. */
interface BatchDone {
  /** In the order of the bills. */
  booked: Booked[];
  /** When it is on the disk. */
  synced: Promise<void>;
}

/** The charges of a connection. */
export function chargeStore(connection: Connection, reserves: Reserves): ChargeStore {
  const sql = billStatements(connection);
  let open: Batch | null = null;

  function begin(): Batch {
    const bills: DatedBill[] = [];
    const batch = { bills, done: commit(bills) };
    // Where the transaction could not even begin, the next bill must not join it.
    batch.done.catch(() => {
      if (open === batch) open = null;
    });
    return batch;
  }

  async function commit(bills: DatedBill[]): Promise<BatchDone> {
    // Atomic: should a statement fail, none of the bills is left half booked.
    const { booked, written } = await connection.transact(() => {
      open = null;
      return bookBills(sql, reserves, bills);
    }, 'process_end');
    const mustSync = written.length > 0 || booked.some(({ isReserved }) => !isReserved);
    const synced = mustSync ? reserves.sync(written) : Promise.resolve();
    // Of reserves that nobody waits for: the next charge writes them again.
    synced.catch(() => undefined);
    return { booked, synced };
  }

  async function findRetry(key: string, now: Date): Promise<PaidRetry | null> {
    const paid = await reading(() => paidRetry(sql, key, now));
    // It allows a call, and may not be on the disk yet.
    if (paid !== null) await connection.synced();
    return paid;
  }

  async function book(bill: Bill, now: Date): Promise<Receipt> {
    open ??= begin();
    const place = open.bills.push({ bill, now }) - 1;
    const { booked, synced } = await open.done;
    const { receipt, isReserved } = booked[place] as Booked;
    if (!isReserved) await synced;
    return receipt;
  }

  return {
    book,
    findRetry,
    quotaUsed: (clientId, window) => reading(() => sql.quota.get(clientId, window)?.used ?? 0),
    quotasUsed: (windows) =>
      reading(() => windows.map((one) => sql.quota.get(one.clientId, one.window)?.used ?? 0)),
  };
}
