/**
 * At once, for access tokens, which every node keeps in memory: a token ends on node A in each way that
 * tokens end, and the very next questions to node B are answered by it; 300 trials of each way on each
 * database, without a miss. What keeping them saves is counted on MongoDB.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mongo } from 'mongoose';
import { accessTokenIds } from '../../src/domain/tokens/access-token.ts';
import { fresh, openBeside, type Records } from '../support/app.ts';
import {
  type Answer,
  answerOf,
  type Credentials,
  type Granted,
  granted,
  type Params,
  type TestServer,
} from '../support/server.ts';
import { DATABASES, type SharedDatabase } from './load.ts';
import { type Nodes, ownerToken } from './trials.ts';

const TIMEOUT_MS = 180_000;
/** Series of trials side by side, and trials in each. */
const SERIES = 6;
const TRIALS = 50;

/** What one series of trials has for itself. */
interface Cast {
  partner: Credentials;
  gateway: Credentials;
  signIn: Params;
  /** Of the API that the client may call. */
  path: string;
}

/** What ends tokens in a trial. */
interface Scene extends Nodes, Cast {
  records: Records;
  /** Bearer token for the REST API. */
  admin: string;
  tokens: Granted;
}

/** Ends the tokens of a scene; answers the values of the access tokens that it ended. */
type End = (scene: Scene) => Promise<string[]>;

const WAYS: [name: string, end: End][] = [
  ['an access token by its client (RFC 7009)', endByClient],
  ['a refresh token by its client', endFamilyByClient],
  ['a token by an admin', endByAdmin],
  ['all tokens of a client by an admin', endAllByAdmin],
  ['a family by the replay of a refresh token', endByReplay],
];

describe.each(DATABASES)('two nodes on $name', ({ name, open }) => {
  let database: SharedDatabase;
  let servers: [TestServer, TestServer];
  let records: Awaited<ReturnType<typeof openBeside>>;
  let admin: string;
  beforeAll(async () => {
    database = await open();
    servers = await database.servers();
    records = await openBeside(servers[0].env);
    admin = await ownerToken(records);
  }, TIMEOUT_MS);
  afterAll(async () => {
    await records.close();
    await database.stop();
  }, TIMEOUT_MS);

  it.each(WAYS)(
    'agree at once on the end of %s, in 300 trials',
    async (_, end) => {
      async function series(index: number): Promise<object[]> {
        const [one, other] = servers;
        // Half of them go the other way.
        const nodes = index % 2 ? { changed: other, asked: one } : { changed: one, asked: other };
        const cast = await castOf(records);
        const misses: object[] = [];
        for (let trial = 0; trial < TRIALS; trial += 1) {
          const tokens = await nodes.changed.grant(cast.partner, cast.signIn);
          const scene = { ...nodes, ...cast, records, admin, tokens };
          await expectLive(scene, tokens.accessToken);
          for (const value of await end(scene)) {
            misses.push(...(await missesOf(scene, value)));
          }
        }
        return misses;
      }
      const missed = await Promise.all(Array.from({ length: SERIES }, (_, index) => series(index)));
      expect(missed.flat()).toEqual([]);
      expect(SERIES * TRIALS).toBe(300);
    },
    TIMEOUT_MS,
  );

  if (name !== 'MongoDB') return;

  it('ask MongoDB for news alone at each decision', async () => {
    const [asked] = servers;
    const { partner, gateway, signIn, path } = await castOf(records);
    const { accessToken: token } = await asked.grant(partner, signIn);
    const call = { clientIp: '192.0.2.7', method: 'GET', path, token };
    await asked.decide(gateway, call);
    const reads = await readsDuring(asked.env['DATABASE_URL'] ?? '', async () => {
      for (let i = 0; i < 20; i += 1) {
        expect((await asked.decide(gateway, call)).body['allowed']).toBe(true);
      }
    });
    expect(reads).toEqual(Array.from({ length: 20 }, () => 'changes'));
  });
});

async function castOf(records: Records): Promise<Cast> {
  const group = fresh('group');
  const path = `/${group}`;
  await records.createGroup(group, {}, [`GET ${path}`]);
  const grantTypes: ('password' | 'refresh_token')[] = ['password', 'refresh_token'];
  const accessToken = { lifetimeSeconds: 3600, maxUses: 0 };
  const partner = await records.createClient({ apiGroups: [group], grantTypes, accessToken });
  const gateway = await records.createResourceServer();
  const { username, password } = await records.createUser();
  return { partner, gateway, signIn: { grant_type: 'password', username, password }, path };
}

function question({ path }: Cast, token: string) {
  return { clientIp: '192.0.2.7', method: 'GET', path, token };
}

/** Has the node that is asked keep the token. */
async function expectLive(scene: Scene, token: string): Promise<void> {
  const { asked, gateway } = scene;
  expect((await asked.decide(gateway, question(scene, token))).body['allowed']).toBe(true);
  expect((await asked.introspect(gateway, token)).body.active).toBe(true);
}

async function missesOf(scene: Scene, token: string): Promise<object[]> {
  const { asked, gateway } = scene;
  const [introspected, decided] = [
    await asked.introspect(gateway, token),
    await asked.decide(gateway, question(scene, token)),
  ];
  if (introspected.text === '{"active":false}' && decided.body['reason'] === 'token_revoked')
    return [];
  return [{ introspected: introspected.text, decided: decided.text }];
}

async function endByClient({ changed, partner, tokens }: Scene): Promise<string[]> {
  expect((await changed.revoke(partner, tokens.accessToken)).status).toBe(200);
  return [tokens.accessToken];
}

async function endFamilyByClient(scene: Scene): Promise<string[]> {
  const { changed, partner, tokens } = scene;
  const next = granted(await changed.refresh(partner, tokens.refreshToken));
  await expectLive(scene, next.accessToken);
  expect((await changed.revoke(partner, next.refreshToken)).status).toBe(200);
  return [tokens.accessToken, next.accessToken];
}

async function endByAdmin(scene: Scene): Promise<string[]> {
  const { records, tokens } = scene;
  const [tokenId] = accessTokenIds(records.services.keys, tokens.accessToken);
  expect((await remove(scene, `/tokens/${tokenId}`)).status).toBe(204);
  return [tokens.accessToken];
}

async function endAllByAdmin(scene: Scene): Promise<string[]> {
  const answer = await remove(scene, '/tokens');
  expect(answer.status).toBe(200);
  expect(answer.body['revoked']).toBeGreaterThan(1);
  return [scene.tokens.accessToken];
}

async function endByReplay(scene: Scene): Promise<string[]> {
  const { changed, partner, tokens } = scene;
  const next = granted(await changed.refresh(partner, tokens.refreshToken));
  await expectLive(scene, next.accessToken);
  // A refresh ends no access token.
  await expectLive(scene, tokens.accessToken);
  expect((await changed.refresh(partner, tokens.refreshToken)).body.error).toBe('invalid_grant');
  return [tokens.accessToken, next.accessToken];
}

async function remove({ changed, admin, partner }: Scene, path: string): Promise<Answer> {
  const headers = { Authorization: `Bearer ${admin}` };
  const url = `${changed.url}/api/v1/clients/${partner.clientId}${path}`;
  return answerOf(await fetch(url, { method: 'DELETE', headers }));
}

/** The collections that servers read while something runs, one for each command. */
async function readsDuring(url: string, work: () => Promise<void>): Promise<string[]> {
  const client = await mongo.MongoClient.connect(url);
  try {
    const db = client.db();
    await db.command({ profile: 2 });
    await work();
    await db.command({ profile: 0 });
    const entries = await db
      .collection('system.profile')
      .find({ appName: 'tollgate', op: { $in: ['query', 'getmore', 'command'] } })
      .toArray();
    return entries.map(({ ns }) => String(ns).slice(String(ns).indexOf('.') + 1));
  } finally {
    await client.close();
  }
}
