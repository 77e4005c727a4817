/** Some days of calls: tokens, decisions of every kind, wrong secrets that lock; today last. */
import { findClient, unlockClient, updateClient } from '../../src/domain/clients/manage-clients.ts';
import { plusSeconds } from '../../src/domain/clock.ts';
import { START, type TestApp } from '../../test/support/app.ts';
import type { Credentials } from '../../test/support/server.ts';
import { type MadeClients, RICH } from './clients.ts';

const DAY = 86_400;
const DAYS = 4;

/** Calls of the clients of a task; the last one is refused. */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  payments: ['POST /payments', 'GET /payments/8841', 'GET /payments/8841/events', 'GET /accounts'],
  statements: ['GET /accounts', 'GET /partners/me', 'POST /payments'],
  onboarding: ['POST /onboarding/checks', 'GET /onboarding/checks/51', 'GET /customers'],
  orders: ['GET /orders', 'GET /orders/70412', 'POST /orders', 'GET /stock/A-1180', 'GET /rates'],
  stock: ['GET /stock', 'GET /stock/A-1180', 'PUT /stock/A-1180'],
  returns: ['POST /returns', 'GET /returns/311/label', 'GET /orders/70412', 'POST /orders'],
  tracking: ['GET /parcels/NF88201', 'POST /parcels/NF88201/events', 'GET /rates'],
  customs: ['POST /customs/declarations', 'GET /parcels/NF88201/events', 'POST /bookings'],
  rates: ['GET /rates', 'POST /bookings', 'DELETE /bookings/17'],
};

function callsOf(clientId: string) {
  return (CALLS[clientId.split('-').at(-1) ?? ''] ?? []).map((call) => {
    const [method = '', path = ''] = call.split(' ');
    return { method, path };
  });
}

/** Lets the clients work until now. */
export async function makeHistory(app: TestApp, made: MadeClients): Promise<void> {
  for (let day = DAYS; day >= 0; day -= 1) {
    app.clock.set(plusSeconds(START, -day * DAY - 3 * 3600));
    for (const [index, partner] of made.partners.entries()) {
      if (index % 4 === day % 4 || partner.clientId === RICH) await work(app, made, partner);
      app.clock.advance(120);
    }
    await app.services.decisionLog.flush();
  }
  await lockSome(app, made);
  await spend(app, made);
  await burst(app, made);
  await changeSome(app, made);
}

type Partner = MadeClients['partners'][number];

async function work(app: TestApp, { gateway }: MadeClients, partner: Partner): Promise<void> {
  const granted = await app.token(partner, {}, { from: partner.address });
  const token = granted.body.access_token;
  if (token === undefined) return;
  const calls = callsOf(partner.clientId);
  await ask(
    app,
    gateway,
    calls.map((call) => ({ token, ...call, clientIp: partner.address })),
  );
  if (partner.clientId !== RICH) return;
  app.clock.advance(2);
  await ask(app, gateway, [{ token, ...calls[0], clientIp: '192.0.2.77' }]);
}

function ask(app: TestApp, gateway: Credentials, questions: object[]) {
  return app.decide(gateway, questions, { from: '10.20.0.4' });
}

/** Wrong secrets: two clients are locked, one was and is not any more, the rich one has some failures. */
async function lockSome(app: TestApp, { partners, makers }: MadeClients): Promise<void> {
  const wrong = async (clientId: string, times: number, from?: string) => {
    const partner = partners.find((each) => each.clientId === clientId);
    if (partner === undefined) throw new Error(`no client ${clientId} in the showcase`);
    for (let time = 0; time < times; time += 1) {
      await app.token({ clientId, secret: 'not this one' }, {}, { from: from ?? partner.address });
      app.clock.advance(31);
    }
  };
  await wrong('aurivo-payments', 3);
  await unlockClient(app.services, makers.desk, 'aurivo-payments');
  await wrong('tideway-customs', 3);
  await wrong('brightmere-orders', 3);
  await wrong(RICH, 2, '203.0.113.70');
}

/** Quotas of today, partly used; one is empty. */
async function spend(app: TestApp, { partners, gateway }: MadeClients): Promise<void> {
  const weights: [string, number][] = [
    [RICH, 3712],
    ['tessaria-statements', 0],
    ['brightmere-stock', 700],
    ['corvale-payments', 4100],
    ['papercrane-stock', 900],
    ['vellora-orders', 1200],
    ['orrery-rates', 900],
  ];
  for (const [clientId, weight] of weights) {
    const partner = partners.find((each) => each.clientId === clientId);
    if (partner === undefined) continue;
    for (let part = 0; part < 4; part += 1) {
      const { body } = await app.token(partner, {}, { from: partner.address });
      const [call] = callsOf(clientId);
      const question = { token: body.access_token, weight: Math.round(weight / 4), ...call };
      await ask(app, gateway, [{ ...question, clientIp: partner.address }]);
      app.clock.advance(60);
    }
  }
}

/** Thirty calls within one second, by a client that may make twenty. */
async function burst(app: TestApp, { partners, gateway }: MadeClients): Promise<void> {
  const partner = partners.find(({ clientId }) => clientId === 'nordhavn-tracking');
  if (partner === undefined) throw new Error('no client nordhavn-tracking in the showcase');
  const { body } = await app.token(partner, {}, { from: partner.address });
  const question = { token: body.access_token, ...callsOf(partner.clientId)[0] };
  const calls = Array.from({ length: 30 }, () => ({ ...question, clientIp: partner.address }));
  await ask(app, gateway, calls);
}

/** What the desk did this morning, for the audit trail. */
async function changeSome({ services, clock }: TestApp, { makers }: MadeClients): Promise<void> {
  const change = async (clientId: string, patch: Parameters<typeof updateClient>[4]) => {
    const { version } = await findClient(services, clientId);
    await updateClient(services, makers.desk, clientId, version, patch);
    clock.advance(45);
  };
  await change('vellora-orders', { remark: 'Extension is with the lawyers.' });
  await change('nordhavn-customs', { priority: 2, tps: 60 });
  await change('lumora-orders', { emails: ['api@lumora.example', 'shop@lumora.example'] });
  await change(RICH, { priority: 2 });
}
