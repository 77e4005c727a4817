/** Audit events. */
import { type ClientSession, Schema, trusted } from 'mongoose';
import {
  type AuditEvent,
  type AuditFilter,
  type AuditStore,
  keyIdsOf,
} from '../../src/domain/audit/audit-event.ts';
import { type Database, inSession } from './connection.ts';
import { type Condition, pageOf, type Sort } from './paging.ts';
import { collection, folded, part, type Stored } from './schema.ts';

export const auditEventSchema = collection({
  at: Date,
  actor: part({ kind: String, id: String, address: String }),
  action: String,
  object: part({ kind: String, id: String }),
  changes: [part({ field: String, before: Schema.Types.Mixed, after: Schema.Types.Mixed })],
  searchText: String,
});

const SORTS: readonly [Sort, ...Sort[]] = [{ field: 'at', path: 'at', type: 'date' }];
auditEventSchema.index({ at: 1, _id: 1 });
auditEventSchema.index({ 'object.kind': 1, 'object.id': 1, at: 1 });
auditEventSchema.index({ 'actor.id': 1, at: 1 });
auditEventSchema.index({ action: 1, at: 1 });

/** The audit trail of a database, and how governed writes add to it. */
export function auditTrail({ connection }: Database) {
  const model = connection.model<Stored>('AuditEvent', auditEventSchema, 'auditEvents');
  async function append(events: AuditEvent[], session: ClientSession | undefined): Promise<void> {
    for (const event of events) await new model(encode(event)).save(inSession(session));
  }
  const store: AuditStore = {
    append: (event) => append([event], undefined),
    list: (query) =>
      pageOf<AuditEvent, AuditFilter>(
        { model, sorts: SORTS, descending: true, conditions, decode },
        query,
      ),
  };
  return { store, append };
}

function conditions(filter: AuditFilter): Condition[] {
  const { objectKind, objectId, clientId, actorId, action, from, to } = filter;
  const equal = {
    'object.kind': objectKind,
    'object.id': objectId,
    'actor.id': actorId,
    action,
  };
  const wanted = Object.entries(equal).filter(([, value]) => value !== undefined);
  return [
    ...wanted.map(([path, value]) => ({ [path]: value })),
    ...(clientId === undefined ? [] : [ofClient(clientId)]),
    ...(from === undefined ? [] : [{ at: trusted({ $gte: from }) }]),
    ...(to === undefined ? [] : [{ at: trusted({ $lt: to }) }]),
  ];
}

function ofClient(clientId: string): Condition {
  const { from, before } = keyIdsOf(clientId);
  const keys = trusted({ $gte: from, $lt: before });
  return {
    $or: [
      { 'object.kind': 'client', 'object.id': clientId },
      { 'object.kind': 'api_key', 'object.id': keys },
    ],
  };
}

function encode({ eventId, ...event }: AuditEvent): Stored {
  const searchText = folded([event.action, event.object.id, event.actor.id].join('\n'));
  return { _id: eventId, ...event, searchText };
}

function decode({ _id, searchText: _, ...event }: Stored): AuditEvent {
  return { eventId: _id, ...event } as unknown as AuditEvent;
}
