/** Which record names which: what is still named is not removed, and lists are filtered by it. */
import { DomainError } from '../../src/domain/errors.ts';
import type { Connection } from './connection.ts';
import type { Condition } from './page.ts';

/** Governed nouns. */
export type HolderKind =
  | 'client'
  | 'user'
  | 'api'
  | 'api group'
  | 'api scope'
  | 'security level'
  | 'admin'
  | 'access token'
  | 'api key';

/** A record that another one names, and as what. The last two keep nothing from being removed. */
export interface Held {
  kind:
    | 'api'
    | 'api_group'
    | 'served_api_group'
    | 'api_scope'
    | 'security_level'
    | 'key_api_group'
    | 'allowed_user';
  id: string;
}

interface Holder {
  kind: HolderKind;
  id: string;
}

/** Holders that an error names. */
const NAMED = 10;

export interface Holdings {
  /** Replaces what a record names; to be called inside the transaction of its write. */
  set(holder: Holder, held: readonly Held[]): void;
  /** Throws `in_use`, naming up to ten holders, while something names the record as one of the kinds. */
  refuseWhileHeld(kinds: readonly Held['kind'][], id: string): void;
}

/** Condition: rows, by their `id`, whose record names one of these, as one of the kinds. */
export function naming(
  holder: HolderKind,
  kinds: readonly Held['kind'][],
  ids: readonly string[],
): Condition {
  // One look into the index for each kind takes half as long as one for all: their rows come sorted.
  const looks = kinds.map(
    (kind) => `SELECT holder_id FROM holdings WHERE held_kind = '${kind}'
      AND held_id IN (SELECT value FROM json_each(?)) AND holder_kind = '${holder}'`,
  );
  const list = JSON.stringify(ids);
  return { sql: `id IN (${looks.join(' UNION ALL ')})`, values: kinds.map(() => list) };
}

/** The holdings of a connection. */
export function holdingsOf({ prepare }: Connection): Holdings {
  const heldBy = prepare<Held>(
    `SELECT held_kind AS kind, held_id AS id FROM holdings
     WHERE holder_kind = ? AND holder_id = ?`,
  );
  const remove = prepare(
    `DELETE FROM holdings
     WHERE held_kind = ? AND held_id = ? AND holder_kind = ? AND holder_id = ?`,
  );
  const insert = prepare(
    'INSERT OR IGNORE INTO holdings (held_kind, held_id, holder_kind, holder_id) VALUES (?, ?, ?, ?)',
  );
  const holders = prepare<Holder>(
    `SELECT DISTINCT holder_kind AS kind, holder_id AS id FROM holdings
     WHERE held_kind IN (SELECT value FROM json_each(?)) AND held_id = ?
     ORDER BY holder_kind, holder_id LIMIT ${NAMED + 1}`,
  );
  return {
    set(holder, held) {
      // Only the difference is written: a client may name thousands of users.
      const before = new Map(heldBy.all(holder.kind, holder.id).map((one) => [keyOf(one), one]));
      for (const one of held) {
        if (!before.delete(keyOf(one))) insert.run(one.kind, one.id, holder.kind, holder.id);
      }
      for (const { kind, id } of before.values()) remove.run(kind, id, holder.kind, holder.id);
    },
    refuseWhileHeld(kinds, id) {
      if (kinds.length === 0) return;
      const found = holders.all(JSON.stringify(kinds), id);
      if (found.length === 0) return;
      const names = found.slice(0, NAMED).map((holder) => `${holder.kind} ${holder.id}`);
      const more = found.length > NAMED ? ' and others' : '';
      throw new DomainError('in_use', { hint: `used by ${names.join(', ')}${more}` });
    },
  };
}

function keyOf({ kind, id }: Held): string {
  return `${kind} ${id}`;
}
