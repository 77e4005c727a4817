/** `/clients/{clientId}/usage`: what it may still call, and how many calls it made by hour, API and outcome. */
import { z } from 'zod';
import { findClient } from '../domain/clients/manage-clients.ts';
import { plusSeconds } from '../domain/clock.ts';
import { REASONS, type ReasonCode } from '../domain/decision/reasons.ts';
import { invalidField } from '../domain/errors.ts';
import { quotaWindow, timeZoneOf } from '../domain/usage/quota-window.ts';
import { instant } from '../domain/validation.ts';
import { type Call, type Route, route } from './route.ts';

const OUTCOMES = ['allowed', ...(Object.keys(REASONS) as ReasonCode[])] as const;
const DAY_SECONDS = 24 * 3600;
/** Rows of one answer; a longer period is asked for in parts. */
const MOST_ROWS = 10_000;

const usageQuery = z.strictObject({
  from: instant.optional().describe('Hours that start then or later; default a day before `to`'),
  to: instant.optional().describe('Hours that start before; default an hour from now'),
});

const usageDocument = z
  .strictObject({
    from: z.date(),
    to: z.date(),
    quota: z
      .strictObject({
        limit: z.int(),
        used: z.int().describe('Units used in the present period'),
        left: z.int(),
        period: z.enum(['day', 'week', 'month', 'total']),
        timeZone: z.string(),
        resetsAt: z.date().nullable().describe('Null = never by itself'),
      })
      .nullable()
      .describe('Null = unlimited'),
    counts: z
      .array(
        z.strictObject({
          hour: z.date().describe('Start of the hour'),
          apiId: z.string().nullable().describe('Null where no API was named or matched'),
          outcome: z.enum(OUTCOMES as unknown as [string, ...string[]]),
          calls: z.int(),
        }),
      )
      .describe('Oldest hour first; counted within a second'),
    isComplete: z.boolean().describe(`False when there are more than ${MOST_ROWS} counts`),
  })
  .meta({ id: 'Usage' });

/** The routes of a client's usage. */
export const clientUsageRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/clients/:clientId/usage',
    tag: 'decisions',
    summary: 'What is used of the quota, and calls by hour, API and outcome',
    role: 'viewer',
    query: usageQuery,
    status: 200,
    response: usageDocument,
    handler: getUsage,
  }),
];

async function getUsage(call: Call<{ clientId: string }, z.output<typeof usageQuery>>) {
  const { services, params, query } = call;
  const client = await findClient(services, params.clientId);
  const { to = plusSeconds(services.clock.now(), 3600) } = query;
  const { from = plusSeconds(to, -DAY_SECONDS) } = query;
  if (from >= to) throw invalidField('from', 'invalid', 'must be before `to`');
  const { clientId } = client;
  const found = await services.stores.usage.list({ clientId, from, to, limit: MOST_ROWS + 1 });
  const counts = found.slice(0, MOST_ROWS).map(({ clientId: _, ...count }) => count);
  const quota = await quotaOf(call, client);
  return { body: { from, to, quota, counts, isComplete: found.length <= MOST_ROWS } };
}

async function quotaOf({ services }: Call, client: Awaited<ReturnType<typeof findClient>>) {
  const { calls: limit, period } = client.apiQuota;
  if (limit === 0) return null;
  const timeZone = timeZoneOf(client, services.timeZone);
  const { window, endsAt } = quotaWindow(client.apiQuota, timeZone, services.clock.now());
  const used = await services.stores.charges.quotaUsed(client.clientId, window);
  return { limit, used, left: Math.max(0, limit - used), period, timeZone, resetsAt: endsAt };
}
