/** Audit events. */
import {
  type Actor,
  type AuditEvent,
  type AuditFilter,
  type AuditStore,
  type FieldChange,
  keyIdsOf,
} from '../../src/domain/audit/audit-event.ts';
import type { ListQuery } from '../../src/domain/records.ts';
import { decode, encode, instantOr, isInstantField } from './codec.ts';
import type { Connection } from './connection.ts';
import { reading, refusingTaken } from './errors.ts';
import {
  type Condition,
  equalities,
  orderOf,
  type PageRequest,
  readPage,
  searchConditions,
} from './page.ts';

interface AuditRow {
  event_id: string;
  at: number;
  actor_kind: Actor['kind'];
  actor_id: string;
  actor_address: string | null;
  action: string;
  object_kind: string;
  object_id: string;
  changes: string;
}

const COLUMNS =
  'event_id, at, actor_kind, actor_id, actor_address, action, object_kind, object_id, changes';

/** The store, and how other stores write to it. */
export interface Audit extends AuditStore {
  /** Stores an event; to be called inside the transaction of what it tells about. */
  enter(event: AuditEvent): void;
}

/** The audit events of a connection. */
export function auditStore(connection: Connection): Audit {
  const insert = connection.prepare(
    `INSERT INTO audit_events (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const select = connection.prepare<AuditRow>(
    `SELECT ${COLUMNS} FROM audit_events WHERE position = ?`,
  );
  function enter({ eventId, at, actor, action, object, changes }: AuditEvent): void {
    refusingTaken({ event_id: ['eventId', eventId] }, () =>
      insert.run(
        eventId,
        at.getTime(),
        actor.kind,
        actor.id,
        actor.address,
        action,
        object.kind,
        object.id,
        encode(changes),
      ),
    );
  }
  return {
    enter,
    append: (event) => connection.write(() => enter(event)),
    list: (query) =>
      reading(() => {
        const find = (position: number) => {
          const row = select.get(position);
          return row === undefined ? null : eventOf(row);
        };
        return readPage(connection, pageRequest(query), find);
      }),
  };
}

function pageRequest(query: ListQuery<AuditFilter>): PageRequest {
  const { sort = { field: 'at', descending: true }, limit, cursor, filter = {} } = query;
  return {
    from: 'audit_events',
    where: [
      ...conditions(filter),
      ...searchConditions(`lower(action || ' ' || object_id || ' ' || actor_id)`, query.search),
    ],
    order: orderOf({ at: 'at' }, sort, 'position'),
    limit,
    cursor,
    // A client and its keys are several ranges of an index: no order of time goes across them.
    isIndexed: filter.clientId === undefined,
  };
}

function conditions(filter: AuditFilter): Condition[] {
  const { objectKind, objectId, clientId, actorId, action, from, to } = filter;
  return [
    ...equalities({ object_kind: objectKind, object_id: objectId, actor_id: actorId, action }),
    ...(clientId === undefined ? [] : [ofClient(clientId)]),
    ...(from ? [{ sql: 'at >= ?', values: [from.getTime()] }] : []),
    ...(to ? [{ sql: 'at < ?', values: [to.getTime()] }] : []),
  ];
}

function ofClient(clientId: string): Condition {
  const { from, before } = keyIdsOf(clientId);
  const sql = `(object_kind = 'client' AND object_id = ?)
    OR (object_kind = 'api_key' AND object_id >= ? AND object_id < ?)`;
  return { sql, values: [clientId, from, before] };
}

function eventOf(row: AuditRow): AuditEvent {
  return {
    eventId: row.event_id,
    at: new Date(row.at),
    actor: { kind: row.actor_kind, id: row.actor_id, address: row.actor_address },
    action: row.action,
    object: { kind: row.object_kind, id: row.object_id },
    changes: (decode(row.changes) as FieldChange[]).map(withInstants),
  };
}

/** A changed field names its value's kind in `field`, not in the name of the member that holds it. */
function withInstants(change: FieldChange): FieldChange {
  if (!isInstantField(change.field)) return change;
  const { before, after, ...rest } = change;
  return { ...rest, before: instantOr(before), after: instantOr(after) };
}
