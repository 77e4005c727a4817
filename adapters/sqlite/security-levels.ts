/** Security levels. */
import type { SecurityLevelStore } from '../../src/domain/apis/security-level.ts';
import type { Shared } from './noun.ts';
import { recordStore } from './record-store.ts';

/** The security levels of a connection. */
export function securityLevelStore(shared: Shared): SecurityLevelStore {
  return recordStore(shared, {
    kind: 'security level',
    changeKind: 'catalog',
    table: 'security_levels',
    id: (level) => level.name,
    columns: { rank: (level) => level.rank },
    unique: (level) => ({ id: ['name', level.name], rank: ['rank', String(level.rank)] }),
    searched: (level) => [level.name, level.displayName],
    sorts: { rank: 'rank', name: 'id' },
    heldAs: ['security_level'],
  });
}
