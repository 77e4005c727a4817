/**
 * Quotas of clients: one document a window. Calls for the same window share a statement, which takes as
 * many of their weights as fit, the first to come first; each under the limit that it brings.
 */
import type { ClientSession, mongo } from 'mongoose';
import { QUOTA_KEPT_MS, type QuotaLine } from '../../src/domain/usage/charge-store.ts';
import { inSession, text } from './connection.ts';
import { takenKey } from './errors.ts';
import { collection } from './schema.ts';

interface QuotaDocument {
  _id: string;
  used: number;
  /** Missing = never. */
  purgeAt?: Date;
}

export const quotaSchema = collection({ used: Number, purgeAt: Date });
quotaSchema.index({ purgeAt: 1 }, { expireAfterSeconds: 0 });

/** A charge of one window. */
export interface QuotaCharge {
  weight: number;
  quota: QuotaLine;
}

/** What is charged in one statement. */
export interface QuotaCharges {
  /** Units used so far, for each charge: with it where it fits, null where it does not. */
  take(
    id: string,
    charges: QuotaCharge[],
    session?: ClientSession | undefined,
  ): Promise<(number | null)[]>;
  /** Gives units back that were taken before. */
  giveBack(id: string, weights: number[], session?: ClientSession | undefined): Promise<void>;
  /** Units used so far. */
  used(id: string): Promise<number>;
  /** Units of each of these used so far. */
  usedOf(ids: string[]): Promise<number[]>;
}

/** Id of a window's document. No client id has a colon in it, so no two windows share an id. */
export function quotaId({ clientId, window }: Pick<QuotaLine, 'clientId' | 'window'>): string {
  return `${text(clientId)}:${text(window)}`;
}

/** Condition: the windows of one client, by the range of their ids; `;` follows `:`. */
export function quotasOf(clientId: string) {
  return { _id: { $gte: `${text(clientId)}:`, $lt: `${text(clientId)};` } };
}

/** Charges of the collection of quotas. */
export function quotaCharges(quotas: mongo.Collection<QuotaDocument>): QuotaCharges {
  const take: QuotaCharges['take'] = async (id, charges, session) => {
    const options = { upsert: true, returnDocument: 'before', projection: { used: 1 } } as const;
    const statement = [{ $set: { used: usedAfter(charges), ...purgeAfter(charges) } }];
    const attempt = () =>
      quotas.findOneAndUpdate({ _id: id }, statement, { ...options, ...inSession(session) });
    const before = await attempt().catch((error: unknown) => {
      // Another node made the document of a new window in between. A transaction has ended with that.
      if (takenKey(error) === null || session !== undefined) throw error;
      return attempt();
    });
    return shares(before?.used ?? 0, charges);
  };
  return {
    take,
    async giveBack(id, weights, session) {
      const sum = weights.reduce((total, weight) => total + weight, 0);
      const left = { $max: [0, { $subtract: ['$used', sum] }] };
      await quotas.updateOne({ _id: id }, [{ $set: { used: left } }], inSession(session));
    },
    async used(id) {
      return (await quotas.findOne({ _id: id }))?.used ?? 0;
    },
    async usedOf(ids) {
      const found = await quotas.find({ _id: { $in: ids } }).toArray();
      const used = new Map(found.map((quota) => [quota._id, quota.used]));
      return ids.map((id) => used.get(id) ?? 0);
    },
  };
}

/** In a document that the statement itself inserts, `used` is missing. */
function usedAfter(charges: QuotaCharge[]): mongo.Document {
  const grown = { $add: ['$$value', '$$this.weight'] };
  return {
    $reduce: {
      input: { $literal: charges.map(({ weight, quota }) => ({ weight, limit: quota.limit })) },
      initialValue: { $ifNull: ['$used', 0] },
      in: { $cond: [{ $lte: [grown, '$$this.limit'] }, grown, '$$value'] },
    },
  };
}

/** The same arithmetic as the statement's, charge by charge. */
function shares(before: number, charges: QuotaCharge[]): (number | null)[] {
  let used = before;
  return charges.map(({ weight, quota }) => {
    if (used + weight > quota.limit) return null;
    used += weight;
    return used;
  });
}

/** A time zone that changes within the window may move its end: the latest one holds. */
function purgeAfter(charges: QuotaCharge[]): mongo.Document {
  const ends = charges.map(({ quota }) => quota.endsAt?.getTime() ?? Infinity);
  const last = Math.max(...ends);
  return last === Infinity
    ? { purgeAt: '$$REMOVE' }
    : { purgeAt: { $max: ['$purgeAt', new Date(last + QUOTA_KEPT_MS)] } };
}
