/**
 * npm run bench:saturation: what a saturated node does. Finds the capacity of `/decide` on one core, then
 * offers three times as many calls of priority 9 as it can serve, and compares the latency of calls of
 * priority 0 with theirs alone. Prints it, and whether every request got one answer and every charge
 * one unit. Quote the ratio of one run, not single figures.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOnCore1, type Server, startServer } from './bench/processes.ts';
import type { Load, LoadOrder, LoadReport } from './bench/saturation-load.ts';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 5);
const OFFERED = Number(process.env['BENCH_OFFERED'] ?? 3);
const CONNECTIONS = Number(process.env['BENCH_CONNECTIONS'] ?? 2000);
/** Calls of priority 0 a second. */
const FIRST_PER_SECOND = 200;
/** The calls of priority 0 begin when the others are more than a burst. */
const LEAD_SECONDS = 2;
const SECRET = randomBytes(24).toString('base64url');

const basic = (id: string) => `Basic ${Buffer.from(`${id}:${SECRET}`).toString('base64')}`;

async function tokenOf(server: Server, id: string): Promise<string> {
  const response = await fetch(`${server.url}/oauth2/token`, {
    method: 'POST',
    headers: {
      authorization: basic(id),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  });
  const { access_token } = (await response.json()) as { access_token?: string };
  if (access_token === undefined) throw new Error(`no token: ${response.status}`);
  return access_token;
}

const question = (token: string, consume = true) =>
  JSON.stringify({ token, clientIp: '192.0.2.10', method: 'GET', path: '/orders', consume });

/** A whole HTTP request. */
function decide(name: string, token: string) {
  const body = question(token);
  const head = [
    'POST /decide HTTP/1.1',
    'Host: 127.0.0.1',
    `Authorization: ${basic('gateway')}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  return { name, text: `${head.join('\r\n')}\r\n\r\n${body}` };
}

async function quotaLeft(server: Server, token: string): Promise<number> {
  const response = await fetch(`${server.url}/decide`, {
    method: 'POST',
    headers: { authorization: basic('gateway'), 'content-type': 'application/json' },
    body: question(token, false),
  });
  return Number(((await response.json()) as { quotaLeft: number }).quotaLeft);
}

const load = (order: LoadOrder) => runOnCore1<Load>('saturation-load.ts', [JSON.stringify(order)]);

const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** The latency that a share of the answers of a status stays within, in milliseconds. */
function quantile(report: LoadReport, status: string, share: number): number {
  const { latencies = {} } = report.answers[status] ?? {};
  const sorted = Object.entries(latencies).sort(([a], [b]) => Number(a) - Number(b));
  let rest = Math.ceil(sorted.reduce((sum, [, seen]) => sum + seen, 0) * share);
  for (const [ms, seen] of sorted) {
    rest -= seen;
    if (rest <= 0) return Number(ms);
  }
  return Number.NaN;
}

function add(sum: LoadReport, { sent, answers }: LoadReport): void {
  sum.sent += sent;
  for (const [status, { count, latencies }] of Object.entries(answers)) {
    sum.answers[status] ??= { count: 0, latencies: {} };
    const into = sum.answers[status];
    into.count += count;
    for (const [ms, seen] of Object.entries(latencies))
      into.latencies[ms] = (into.latencies[ms] ?? 0) + seen;
  }
}

const empty = (): LoadReport => ({ sent: 0, answers: {} });
const answered = (report: LoadReport, status: string) => report.answers[status]?.count ?? 0;
const unanswered = ({ sent, answers }: LoadReport) =>
  Object.values(answers).reduce((rest, { count }) => rest - count, sent);

function tell(name: string, report: LoadReport): void {
  for (const status of Object.keys(report.answers)) {
    const [p50, p99] = [quantile(report, status, 0.5), quantile(report, status, 0.99)];
    const count = String(answered(report, status)).padStart(8);
    console.log(`${name.padEnd(36)} ${status}: ${count} times, p50 ${p50} ms, p99 ${p99} ms`);
  }
}

/** Calls a second that one core answers, when the next call comes with the answer to the last. */
async function measureCapacity(port: number, request: LoadOrder['requests'][0]): Promise<number> {
  const capacities: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const { reports, seconds } = await load({
      ...{ port, connections: 64, seconds: SECONDS, perSecond: 0, niceness: 0 },
      requests: [request],
    });
    // The first round warms up.
    if (round > 0) capacities.push(answered(reports[request.name] ?? empty(), '200') / seconds);
  }
  return median(capacities);
}

const folder = await mkdtemp(join(tmpdir(), 'tollgate-bench-'));
const server = await startServer(
  'saturation-server.ts',
  [SECRET, process.env['BENCH_ADMISSION'] ?? '{}'],
  { DATABASE_URL: `sqlite:${join(folder, 'bench.db')}`, DATA_DIR: folder },
);
try {
  const port = Number(new URL(server.url).port);
  const first = decide('first', await tokenOf(server, 'first'));
  const last = decide('last', await tokenOf(server, 'last'));
  const quotaToken = await tokenOf(server, 'last-quota');
  const lastOfAll = [...Array<typeof last>(9).fill(last), decide('last-quota', quotaToken)];
  const before = await quotaLeft(server, quotaToken);

  const capacity = await measureCapacity(port, last);
  console.log(`capacity of /decide, no limits: ${capacity.toFixed(0)}/s`);

  const slow = {
    ...{ port, connections: 8, seconds: SECONDS, perSecond: FIRST_PER_SECOND },
    ...{ niceness: 0, warmUpSeconds: 1 },
  };
  const [alone, beside, lasts, quota] = [empty(), empty(), empty(), empty()];
  const ratios: number[] = [];
  let [due, sent, seconds] = [0, 0, 0];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const unloaded = (await load({ ...slow, requests: [first] })).reports['first'] ?? empty();
    const flooding = load({
      ...{ port, connections: CONNECTIONS, perSecond: OFFERED * capacity, niceness: 19 },
      ...{ seconds: SECONDS + 2 * LEAD_SECONDS, requests: lastOfAll },
    });
    await new Promise((resolve) => setTimeout(resolve, LEAD_SECONDS * 1000));
    const loaded = (await load({ ...slow, requests: [first] })).reports['first'] ?? empty();
    const flood = await flooding;
    add(alone, unloaded);
    add(beside, loaded);
    add(lasts, flood.reports['last'] ?? empty());
    add(quota, flood.reports['last-quota'] ?? empty());
    due += flood.due;
    sent += Object.values(flood.reports).reduce((sum, report) => sum + report.sent, 0);
    seconds += flood.seconds;
    ratios.push(quantile(loaded, '200', 0.99) / quantile(unloaded, '200', 0.99));
  }

  const rate = (count: number) => `${(count / seconds).toFixed(0)}/s`;
  console.log(`priority 9: ${rate(due)} due, ${rate(sent)} sent over ${CONNECTIONS} connections`);
  tell(`priority 0 alone, ${FIRST_PER_SECOND}/s`, alone);
  tell('priority 0 beside priority 9', beside);
  tell('priority 9, no limits', lasts);
  tell('priority 9, with a quota', quota);
  const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  console.log(`p99 of priority 0 against alone: ratio ${median(ratios).toFixed(2)} (${range})`);
  const all = quantile(beside, '200', 0.99) / quantile(alone, '200', 0.99);
  console.log(`  of all rounds together: ${all.toFixed(2)}`);
  const lost = [alone, beside, lasts, quota].reduce((sum, report) => sum + unanswered(report), 0);
  const charged = before - (await quotaLeft(server, quotaToken));
  const allowed = answered(quota, '200');
  console.log(`requests without an answer: ${lost}`);
  console.log(`units charged: ${charged}; calls of that client that were allowed: ${allowed}`);
  if (lost !== 0 || charged !== allowed || answered(beside, '503') > 0) process.exitCode = 1;
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
