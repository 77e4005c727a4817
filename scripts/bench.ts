/**
 * npm run bench: Tollgate against a bare oidc-provider, and `/decide` against a Koa server that answers a
 * constant, in turn, one core for the server and one for
 * the load. Prints requests a second, and the ratio of each pair; quote the median ratio.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Round, runOnCore1, type Server, sendLoad, startServer } from './bench/processes.ts';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 3);
const VICTIMS = 100;
const ID = 'bench';
const SECRET = randomBytes(24).toString('base64url');
const FORM = 'application/x-www-form-urlencoded';

const basic = (id: string, secret = SECRET) =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

async function token(server: Server, id: string): Promise<string> {
  const headers = { authorization: basic(id), 'content-type': FORM };
  const response = await fetch(`${server.url}/${server === bare ? 'token' : 'oauth2/token'}`, {
    method: 'POST',
    headers,
    body: 'grant_type=client_credentials&scope=orders.read',
  });
  const body = (await response.json()) as { access_token?: string };
  if (body.access_token === undefined) throw new Error(`no token: ${JSON.stringify(body)}`);
  return body.access_token;
}

const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Runs one kind of request on both servers in turn. */
async function compare(
  name: string,
  ours: () => Promise<Round>,
  theirs: () => Promise<Round>,
): Promise<void> {
  const pairs: [Round, Round][] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const pair: [Round, Round] = [await ours(), await theirs()];
    // The first pair warms both up.
    if (round > 0) pairs.push(pair);
  }
  const bad = pairs.flat().reduce((sum, round) => sum + round.non2xx + round.errors, 0);
  const ratios = pairs.map(([a, b]) => a.perSecond / b.perSecond);
  console.log(
    [
      name.padEnd(44),
      `tollgate ${median(pairs.map(([a]) => a.perSecond)).toFixed(0)}/s`.padEnd(18),
      `other ${median(pairs.map(([, b]) => b.perSecond)).toFixed(0)}/s`.padEnd(14),
      `ratio ${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`,
      bad > 0 ? `  ${bad} BAD ANSWERS` : '',
    ].join(' '),
  );
  if (bad > 0) process.exitCode = 1;
}

/** Throughput of right secrets beside 200 wrong ones a second, against their throughput alone. */
async function flood(right: () => Promise<Round>, url: string): Promise<void> {
  const ratios: number[] = [];
  const answers: Record<string, number> = {};
  for (let round = 0; round <= ROUNDS; round += 1) {
    const alone = await right();
    const args = [url, '200', String(SECONDS + 1), String(VICTIMS)];
    const wrong = runOnCore1<{ statuses: Record<string, number> }>('flood.ts', args);
    const flooded = await right();
    for (const [status, n] of Object.entries((await wrong).statuses)) {
      answers[status] = (answers[status] ?? 0) + n;
    }
    // The first round warms up.
    if (round > 0) ratios.push(flooded.perSecond / alone.perSecond);
  }
  const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  console.log(
    `right secrets under a flood of 200 wrong ones/s: ratio ${median(ratios).toFixed(2)} (${range})`,
  );
  console.log(`  the flood was answered ${JSON.stringify(answers)}`);
}

const folder = await mkdtemp(join(tmpdir(), 'tollgate-bench-'));
const bare = await startServer('bare-server.ts', [ID, SECRET]);
const constant = await startServer('constant-server.ts', []);
const tollgate = await startServer('tollgate-server.ts', [ID, SECRET, String(VICTIMS)], {
  TRUSTED_PROXIES: 'loopback',
  DATABASE_URL: process.env['BENCH_DATABASE_URL'] ?? `sqlite:${join(folder, 'bench.db')}`,
  DATA_DIR: folder,
});
try {
  const request = (url: string, id: string, body: string) => () =>
    sendLoad({ url, authorization: basic(id), body, seconds: SECONDS });
  const cc = 'grant_type=client_credentials&scope=orders.read';
  const bareToken = `token=${await token(bare, ID)}`;
  const bareIntrospection = request(`${bare.url}/token/introspection`, ID, bareToken);
  const introspect = `${tollgate.url}/oauth2/introspect`;
  const limited = await token(tollgate, `${ID}-limited`);
  const unlimited = await token(tollgate, ID);
  await compare(
    'client_credentials',
    request(`${tollgate.url}/oauth2/token`, ID, cc),
    request(`${bare.url}/token`, ID, cc),
  );
  await compare(
    'introspection, no limits',
    request(introspect, `${ID}-limited`, `token=${unlimited}`),
    bareIntrospection,
  );
  await compare(
    'introspection, a use spent each time',
    request(introspect, ID, `token=${limited}`),
    bareIntrospection,
  );
  const json = (url: string, token: string) => () =>
    sendLoad({
      url,
      authorization: basic(ID),
      type: 'application/json',
      body: JSON.stringify({ token, clientIp: '192.0.2.10', method: 'GET', path: '/orders' }),
      seconds: SECONDS,
    });
  const answered = json(`${constant.url}/decide`, unlimited);
  await compare('decide, no limits', json(`${tollgate.url}/decide`, unlimited), answered);
  const all = await token(tollgate, `${ID}-quota`);
  await compare('decide, TPS, quota and uses', json(`${tollgate.url}/decide`, all), answered);
  const rightSecrets = request(`${tollgate.url}/oauth2/token`, ID, cc);
  await flood(rightSecrets, `${tollgate.url}/oauth2/token`);
} finally {
  await tollgate.stop();
  await bare.stop();
  await constant.stop();
  await rm(folder, { recursive: true, force: true });
}
