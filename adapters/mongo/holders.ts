/** What still names a record, so that it is not removed; read in the transaction that removes it. */

import type { Model } from 'mongoose';
import { DomainError } from '../../src/domain/errors.ts';
import { inSession } from './connection.ts';
import type { Condition } from './paging.ts';
import type { Stored } from './schema.ts';
import type { Unit } from './unit-of-work.ts';

/** Holders that an error names. */
const NAMED = 10;

/** Records that may name another. */
export interface Holder {
  /** As an error names it. */
  word: string;
  model: Model<Stored>;
  /** Which of them name the record. */
  naming: Condition;
}

/** Throws `in_use`, naming up to ten holders, while there is one. */
export async function refuseWhileHeld(holders: Holder[], session: Unit['session']): Promise<void> {
  const names: string[] = [];
  for (const { word, model, naming } of holders) {
    const found = await model
      .find(naming, { _id: 1 }, inSession(session))
      .sort({ _id: 1 })
      .limit(NAMED + 1)
      .lean<Stored[]>();
    names.push(...found.map(({ _id }) => `${word} ${_id}`));
  }
  if (names.length === 0) return;
  const more = names.length > NAMED ? ' and others' : '';
  throw new DomainError('in_use', { hint: `used by ${names.slice(0, NAMED).join(', ')}${more}` });
}
