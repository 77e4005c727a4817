/** How one governed noun is stored: what its own file says, and what every record store shares. */
import type { AuditEvent } from '../../src/domain/audit/audit-event.ts';
import type { Change } from '../../src/domain/changes.ts';
import type { Lock } from '../../src/domain/clients/client.ts';
import type { Versioned } from '../../src/domain/records.ts';
import type { Audit } from './audit.ts';
import type { Changes } from './changes.ts';
import type { Connection, SqlValue } from './connection.ts';
import type { UniqueFields } from './errors.ts';
import type { Held, HolderKind, Holdings } from './holdings.ts';
import type { Condition } from './page.ts';

/** A governed record; clients and users also carry a lock. */
export type GovernedRecord = Versioned & { lock?: Lock };

/** One noun. */
export interface Noun<T extends GovernedRecord, Filter> {
  kind: HolderKind;
  changeKind: Change['kind'];
  table: string;
  id(record: T): string;
  /** Columns besides `id`, `search` and the lock. */
  columns: Record<string, (record: T) => SqlValue>;
  /** Field and value of each unique column, `id` included. */
  unique(record: T): UniqueFields;
  /** Texts that a search looks in. */
  searched(record: T): readonly (string | null)[];
  /** SQL of each sort key by field; the first is the default. */
  sorts: Readonly<Record<string, string>>;
  conditions?(filter: Filter): Condition[];
  /** Conditions of searched words; default: the searched texts contain each. */
  searching?(words: readonly string[]): Condition[];
  /** Whether the table has lock columns, fed from the field `lock`. */
  lockable?: boolean;
  /** Other records that a record names, and that cannot be removed meanwhile. */
  holds?(record: T): Held[];
  /** As what others name a record of this noun. */
  heldAs?: readonly Held['kind'][];
  /** Rules of the noun, run inside the transaction of a write; what they throw undoes it. */
  beforeInsert?(record: T): void;
  beforeUpdate?(record: T): void;
  beforeRemove?(id: string): void;
  afterRemove?(id: string, event: AuditEvent): void;
}

/** What every record store writes besides its own rows. */
export interface Shared {
  connection: Connection;
  audit: Audit;
  changes: Changes;
  holdings: Holdings;
}
