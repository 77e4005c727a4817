/** Which record names which, so that what is still named is not removed. */
import { DomainError } from '../../src/domain/errors.ts';
import type { Connection } from './connection.ts';

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

/** A record that another one names, and as what. */
export interface Held {
  kind: 'api' | 'api_group' | 'served_api_group' | 'api_scope' | 'security_level';
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

/** The holdings of a connection. */
export function holdingsOf({ prepare }: Connection): Holdings {
  const clear = prepare('DELETE FROM holdings WHERE holder_kind = ? AND holder_id = ?');
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
      clear.run(holder.kind, holder.id);
      for (const { kind, id } of held) insert.run(kind, id, holder.kind, holder.id);
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
