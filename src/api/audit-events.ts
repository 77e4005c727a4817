/** `/audit-events`: every change, newest first. */
import { z } from 'zod';
import type { AuditFilter } from '../domain/audit/audit-event.ts';
import { instant } from '../domain/validation.ts';
import { pageOf } from './documents.ts';
import { pageQuery, toListQuery } from './query.ts';
import { type Call, type Route, route } from './route.ts';

const auditEventDocument = z
  .strictObject({
    eventId: z.string(),
    at: z.date(),
    actor: z.strictObject({
      kind: z.enum(['admin', 'bootstrap_token', 'client', 'user', 'system', 'command']),
      id: z.string(),
      address: z.string().nullable(),
    }),
    action: z.string().describe('Noun and verb, such as client.update'),
    object: z.strictObject({ kind: z.string(), id: z.string() }),
    changes: z
      .array(z.strictObject({ field: z.string(), before: z.unknown(), after: z.unknown() }))
      .describe('Field by field; secrets appear as "changed"'),
  })
  .meta({ id: 'AuditEvent' });

const word = z.string().max(100).optional();

const auditEventQuery = pageQuery.extend({
  objectKind: word.describe('Such as client'),
  objectId: word,
  actorId: word,
  action: word.describe('Such as client.update'),
  from: instant.optional(),
  to: instant.optional(),
});

/** The routes of audit events. */
export const auditEventRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/audit-events',
    tag: 'audit events',
    summary: 'List audit events, newest first',
    role: 'viewer',
    query: auditEventQuery,
    status: 200,
    response: pageOf('AuditEventPage', auditEventDocument),
    handler: listAuditEvents,
  }),
];

async function listAuditEvents(call: Call<unknown, z.output<typeof auditEventQuery>>) {
  const { services, query } = call;
  const { objectKind, objectId, actorId, action, from, to } = query;
  const filter = { objectKind, objectId, actorId, action, from, to };
  return { body: await services.stores.audit.list(toListQuery<AuditFilter>(query, filter)) };
}
