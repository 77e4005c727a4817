/** `/decisions`: recorded refusals with their traces, and the simulator. */
import { z } from 'zod';
import type { DecisionFilter, DecisionRecord } from '../domain/decision/decision-store.ts';
import { REASONS, type ReasonCode } from '../domain/decision/reasons.ts';
import { type Simulation, simulate } from '../domain/decision/simulate.ts';
import { suppositionInput, toSupposition } from '../domain/decision/supposition.ts';
import { notFound } from '../domain/errors.ts';
import { instant } from '../domain/validation.ts';
import { pageOf } from './documents.ts';
import { pageQuery, toListQuery } from './query.ts';
import { type Call, project, type Route, route } from './route.ts';

const reasonCode = z.enum(Object.keys(REASONS) as [ReasonCode, ...ReasonCode[]]);

const traceDocument = z
  .array(
    z.strictObject({
      number: z.int().describe('Number of the check in the table of the product'),
      check: z.string(),
      outcome: z.enum(['passed', 'refused', 'not_applicable']),
      reason: reasonCode.nullable(),
      seen: z.unknown(),
      wanted: z.unknown(),
      passesAt: z.date().nullable().describe('When time alone will make it pass; null = never'),
    }),
  )
  .meta({ id: 'Trace', description: 'Every check in order, also those after the first refusal' });

const decisionShape = {
  decisionId: z.string(),
  at: z.date(),
  place: z.enum(['authentication', 'token', 'refresh', 'introspection', 'call']),
  reason: reasonCode.nullable(),
  message: z.string().nullable(),
  clientId: z.string().nullable(),
  userId: z.string().nullable(),
  callerId: z.string().nullable().describe('The resource server or gateway that asked'),
  address: z.string().nullable(),
  method: z.string().nullable(),
  path: z.string().nullable(),
  apiId: z.string().nullable(),
  grantType: z.string().nullable(),
  credential: z.strictObject({
    kind: z.enum([
      'missing',
      'unknown',
      'client_secret',
      'access_token',
      'refresh_token',
      'api_key',
    ]),
    id: z.string().nullable().describe('Names the token or key; does not work as one'),
    scopes: z.array(z.string()),
  }),
  weight: z.int(),
};

const decisionSummary = z.strictObject(decisionShape).meta({ id: 'DecisionSummary' });
const decisionDocument = z
  .strictObject({ ...decisionShape, trace: traceDocument })
  .meta({ id: 'Decision' });

const decisionQuery = pageQuery.extend({
  outcome: z
    .enum(['refused', 'allowed'])
    .optional()
    .describe('Default refused; of allowed calls a sample of the last day is kept'),
  clientId: z.string().max(40).optional(),
  reason: reasonCode.optional(),
  address: z.string().max(60).optional(),
  from: instant.optional(),
  to: instant.optional(),
});

const supposition = suppositionInput.meta({ id: 'Supposition' });

const simulation = z
  .strictObject({
    allowed: z.boolean(),
    status: z.int(),
    reason: reasonCode.nullable(),
    message: z.string().nullable(),
    trace: traceDocument,
  })
  .meta({ id: 'Simulation' });

/** The routes of decisions. */
export const decisionRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/decisions',
    tag: 'decisions',
    summary: 'Search refusals of the last 30 days, newest first; total counts at most 10,000',
    role: 'viewer',
    query: decisionQuery,
    status: 200,
    response: pageOf('DecisionPage', decisionSummary),
    handler: listDecisions,
  }),
  route({
    method: 'GET',
    path: '/v1/decisions/:decisionId',
    tag: 'decisions',
    summary: 'Read a decision with its trace: why was this denied?',
    role: 'viewer',
    status: 200,
    response: decisionDocument,
    handler: getDecision,
  }),
  route({
    method: 'POST',
    path: '/v1/decisions/simulate',
    tag: 'decisions',
    summary: 'Run the table for any client, token or key, address, moment and API; spends nothing',
    role: 'viewer',
    body: supposition,
    status: 200,
    response: simulation,
    handler: simulateDecision,
  }),
];

async function listDecisions({ services, query }: Call<unknown, z.output<typeof decisionQuery>>) {
  const { outcome, clientId, reason, address: from_, from, to } = query;
  const at = services.clock.now();
  const filter = { outcome, clientId, reason, address: from_, from, to, at };
  const page = await services.stores.decisions.list(toListQuery<DecisionFilter>(query, filter));
  return { body: { ...page, items: page.items.map((one) => project(decisionSummary, told(one))) } };
}

async function getDecision({ services, params }: Call<{ decisionId: string }>) {
  const { decisionId } = params;
  const found = await services.stores.decisions.find(decisionId, services.clock.now());
  if (found === null) throw notFound('decision of the last 30 days', decisionId);
  return { body: project(decisionDocument, told(found)) };
}

function told(record: DecisionRecord) {
  return { ...record, message: messageOf(record.reason) };
}

function messageOf(reason: ReasonCode | null): string | null {
  return reason === null ? null : REASONS[reason].title;
}

async function simulateDecision(call: Call<unknown, unknown, z.output<typeof supposition>>) {
  const { services, body } = call;
  await services.directory.sync();
  return { body: showSimulation(await simulate(services, toSupposition(services, body))) };
}

function showSimulation({ reason, trace }: Simulation): z.output<typeof simulation> {
  const status = reason === null ? 200 : REASONS[reason].status;
  return { allowed: reason === null, status, reason, message: messageOf(reason), trace };
}
