/** `/mails`: what became of every mail, newest first; never what it says. */
import { z } from 'zod';
import { notFound } from '../domain/errors.ts';
import { MAIL_TEMPLATES } from '../domain/mailer.ts';
import { MAIL_STATES, type MailFilter, type MailRecord } from '../domain/mails/mail.ts';
import { retryMail } from '../domain/mails/retry-mail.ts';
import { pageOf } from './documents.ts';
import { listQuery, toListQuery } from './query.ts';
import { type Call, project, type Route, route } from './route.ts';

const mailDocument = z
  .strictObject({
    mailId: z.string(),
    at: z.date().describe('When it was asked for'),
    to: z.array(z.string()),
    pending: z.array(z.string()).describe('Those of to for whom no mail server has taken it'),
    subject: z.string(),
    template: z.enum(MAIL_TEMPLATES),
    object: z
      .strictObject({ kind: z.string(), id: z.string() })
      .nullable()
      .describe('What it is about'),
    state: z
      .enum(MAIL_STATES)
      .describe('failed: refused for good, or too often; outbox: not taken by a mail server yet'),
    attempts: z.int(),
    nextAttemptAt: z.date().nullable(),
    error: z.string().nullable().describe('What the last attempt failed with'),
    updatedAt: z.date(),
    expiresAt: z.date().describe('When this record is removed'),
  })
  .meta({ id: 'Mail' });

const word = z.string().max(100).optional();

const mailQuery = listQuery('at')
  .omit({ sort: true })
  .extend({
    state: z.enum(MAIL_STATES).optional(),
    template: z.enum(MAIL_TEMPLATES).optional(),
    objectKind: word.describe('Such as client'),
    objectId: word,
  });

/** The routes of mails. */
export const mailRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/mails',
    tag: 'mails',
    summary: 'List mails, newest first',
    role: 'viewer',
    query: mailQuery,
    status: 200,
    response: pageOf('MailPage', mailDocument),
    handler: listMails,
  }),
  route({
    method: 'GET',
    path: '/v1/mails/:mailId',
    tag: 'mails',
    summary: 'Read what became of a mail',
    role: 'viewer',
    status: 200,
    response: mailDocument,
    handler: getMail,
  }),
  route({
    method: 'POST',
    path: '/v1/mails/:mailId/retry',
    tag: 'mails',
    summary: 'Send a mail from the outbox to the addresses that have not got it',
    role: 'operator',
    status: 200,
    response: mailDocument,
    handler: retryOneMail,
  }),
];

async function listMails({ services, query }: Call<unknown, z.output<typeof mailQuery>>) {
  const { state, template, objectKind, objectId } = query;
  const filter = { state, template, objectKind, objectId };
  const list = toListQuery<MailFilter>(query, filter);
  const page = await services.stores.mails.list({ ...list, now: services.clock.now() });
  return { body: { ...page, items: page.items.map(showMail) } };
}

async function getMail({ services, params }: Call<{ mailId: string }>) {
  const mail = await services.stores.mails.find(params.mailId, services.clock.now());
  if (mail === null) throw notFound('mail', params.mailId);
  return { body: showMail(mail) };
}

async function retryOneMail({ services, caller, params, dryRun }: Call<{ mailId: string }>) {
  return { body: showMail(await retryMail(services, caller.actor, params.mailId, { dryRun })) };
}

function showMail(mail: MailRecord) {
  return project(mailDocument, mail);
}
