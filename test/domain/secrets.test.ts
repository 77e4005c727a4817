import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { isGeneratedSecret, Passwords } from '../../src/domain/secrets/passwords.ts';
import { randomCredential, randomId } from '../../src/domain/secrets/random.ts';
import { constantTimeEqual, SecretKeys } from '../../src/domain/secrets/secret-keys.ts';
import {
  type SecretSubject,
  SecretVerifier,
  type StoredSecret,
} from '../../src/domain/secrets/secret-verifier.ts';
import { CountingBcrypt, keyOf } from './support.ts';

const OLD = keyOf(1);
const NEW = keyOf(2);

describe('SecretKeys', () => {
  it.each([[[]], [[new Uint8Array(31)]], [[OLD, new Uint8Array(16)]]])('refuses %j', (keys) => {
    expect(() => new SecretKeys(keys)).toThrow(RangeError);
  });

  it('signs with the first key and verifies with all', () => {
    const [before, during, after] = [
      new SecretKeys([OLD]),
      new SecretKeys([NEW, OLD]),
      new SecretKeys([NEW]),
    ];
    const digest = before.digest('access_token', 'value');
    expect(during.digest('access_token', 'value')).toBe(after.digest('access_token', 'value'));
    expect(during.digests('access_token', 'value')).toEqual([
      after.digest('access_token', 'value'),
      digest,
    ]);
    expect(during.signingKeyId).toBe(after.signingKeyId);
    expect(during.digestUnder(before.signingKeyId, 'access_token', 'value')).toBe(digest);
    expect(after.digestUnder(before.signingKeyId, 'access_token', 'value')).toBeNull();
  });

  it('gives another digest for another purpose, value or key', () => {
    const keys = new SecretKeys([OLD]);
    const digests = [
      keys.digest('access_token', 'a'),
      keys.digest('refresh_token', 'a'),
      keys.digest('access_token', 'b'),
      new SecretKeys([NEW]).digest('access_token', 'a'),
    ];
    expect(new Set(digests).size).toBe(4);
    for (const digest of digests) expect(digest).toMatch(/^[\w-]{43}$/);
  });

  it('decrypts what it encrypted, also with an old key, and nothing that was altered', () => {
    const text = 'private 鑰匙 key';
    const encrypted = new SecretKeys([OLD]).encrypt('signing_key', text);
    expect(new SecretKeys([NEW, OLD]).decrypt('signing_key', encrypted)).toBe(text);
    expect(() => new SecretKeys([NEW]).decrypt('signing_key', encrypted)).toThrow(
      'no longer holds the key',
    );
    expect(() => new SecretKeys([OLD]).decrypt('cookie', encrypted)).toThrow();
    expect(new SecretKeys([OLD]).encrypt('signing_key', text)).not.toBe(encrypted);
    expect(encrypted).not.toContain('private');
  });

  it('refuses an encrypted text of which one character differs', () => {
    const keys = new SecretKeys([OLD]);
    const encrypted = keys.encrypt('signing_key', 'the quick brown fox jumps over');
    const flips = encrypted
      .split('')
      .map((c, i) => `${encrypted.slice(0, i)}${c === 'A' ? 'Q' : 'A'}${encrypted.slice(i + 1)}`);
    for (const flipped of flips) expect(() => keys.decrypt('signing_key', flipped)).toThrow();
    const shortTag = encrypted.slice(0, -16);
    for (const text of [shortTag, '', '...', 'x', `${encrypted.split('.')[0]}...`]) {
      expect(() => keys.decrypt('signing_key', text)).toThrow();
    }
  });

  it('never tells a key by its id', () => {
    expect(new SecretKeys([OLD]).signingKeyId).toMatch(/^[\w-]{8}$/);
    expect(Buffer.from(OLD).toString('base64url')).not.toContain(
      new SecretKeys([OLD]).signingKeyId,
    );
  });
});

describe('constantTimeEqual', () => {
  it('is equality of text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(constantTimeEqual(a, a)).toBe(true);
        expect(constantTimeEqual(a, b)).toBe(a === b);
      }),
    );
  });
});

describe('random values', () => {
  it('have their prefix, 256 bits and no repeats', () => {
    const values = Array.from({ length: 200 }, () => randomCredential('tgs_'));
    for (const value of values) expect(value).toMatch(/^tgs_[\w-]{43}$/);
    expect(new Set(values).size).toBe(200);
    expect(randomId()).toMatch(/^[\w-]{16}$/);
  });
});

const long = 'x'.repeat(127);

describe('Passwords', () => {
  const passwords = new Passwords(new SecretKeys([OLD]), new CountingBcrypt());

  it.each([
    ['the last of 128 characters', `${long}a`, `${long}b`],
    ['the last of 128 characters of four bytes', `${'🗝'.repeat(127)}🗝`, `${'🗝'.repeat(127)}🔑`],
    ['a character past 72 bytes', `${'é'.repeat(40)}a`, `${'é'.repeat(40)}b`],
    ['what follows a NUL', 'secret\u0000word-a', 'secret\u0000word-b'],
    ['case', 'correct horse', 'Correct horse'],
    ['a space at the end', 'correct horse', 'correct horse '],
    ['an accent', 'correct hors\u00e9', 'correct horse'],
  ])('tells apart what differs in %s', async (_, right, wrong) => {
    const stored = await passwords.hash(right);
    expect(await passwords.verify(right, stored)).toBe(true);
    expect(await passwords.verify(wrong, stored)).toBe(false);
  });

  it('takes both ways to type one character', async () => {
    const stored = await passwords.hash('caf\u00e9 caf\u00e9');
    expect(await passwords.verify('cafe\u0301 cafe\u0301', stored)).toBe(true);
  });

  it('salts, and tells neither the password nor the pre-hash', async () => {
    const [a, b] = [await passwords.hash('correct horse'), await passwords.hash('correct horse')];
    expect(a).not.toBe(b);
    expect(a).toMatch(/^[\w-]{8}\.\$2b\$04\$/);
    expect(a).not.toContain('horse');
  });

  it('verifies under the key that hashed, as long as it is there', async () => {
    const stored = await passwords.hash('correct horse');
    const over = (...keys: Uint8Array[]) =>
      new Passwords(new SecretKeys(keys), new CountingBcrypt());
    expect(await over(NEW, OLD).verify('correct horse', stored)).toBe(true);
    expect(await over(NEW, OLD).verify('wrong horse', stored)).toBe(false);
    expect(await over(NEW).verify('correct horse', stored)).toBe(false);
  });

  it.each(['', '.', 'no-dot', 'x.y', '$2b$04$abcdefghijklmnopqrstuu'])(
    'takes nothing for %j',
    async (stored) => {
      expect(await passwords.verify('correct horse', stored)).toBe(false);
    },
  );

  it('spends one comparison on nobody, each time', async () => {
    const bcrypt = new CountingBcrypt();
    const own = new Passwords(new SecretKeys([OLD]), bcrypt);
    await own.verifyNobody('first password');
    await own.verifyNobody('second password');
    expect([bcrypt.hashes, bcrypt.compares]).toEqual([1, 2]);
    expect(await own.verifyNobody('nobody')).toBe(false);
  });

  it('gets over a queue that was full when the first unknown name came', async () => {
    const bcrypt = new CountingBcrypt();
    const full = jest.spyOn(bcrypt, 'hash').mockRejectedValueOnce(new Error('queue is full'));
    const own = new Passwords(new SecretKeys([OLD]), bcrypt);
    await expect(own.verifyNobody('a password')).rejects.toThrow('queue is full');
    expect(await own.verifyNobody('a password')).toBe(false);
    expect(full).toHaveBeenCalledTimes(2);
  });

  it('know a generated secret by its keyed digest under any key', () => {
    const digest = new SecretKeys([OLD]).digest('client_secret', 'tgs_value');
    expect(isGeneratedSecret(new SecretKeys([NEW, OLD]), 'tgs_value', digest)).toBe(true);
    expect(isGeneratedSecret(new SecretKeys([NEW]), 'tgs_value', digest)).toBe(false);
    expect(isGeneratedSecret(new SecretKeys([OLD]), digest, digest)).toBe(false);
  });
});

/** A verifier over one password `right secret` and one generated secret `tgs_right`. */
async function verifierWorld() {
  const keys = new SecretKeys([OLD]);
  const bcrypt = new CountingBcrypt();
  const passwords = new Passwords(keys, bcrypt);
  const stored: StoredSecret[] = [
    { kind: 'password', hash: await passwords.hash('right secret') },
    { kind: 'generated', hash: keys.digest('client_secret', 'tgs_right') },
  ];
  const verifier = new SecretVerifier(keys, passwords);
  const counts = { failures: 0, asked: 0 };
  const subject: SecretSubject = { id: 'client:orders', version: 1 };
  /** Failures that are allowed before `isAllowed` answers no. */
  let limit = Number.POSITIVE_INFINITY;
  const attempt = {
    async isAllowed() {
      counts.asked += 1;
      return counts.failures < limit;
    },
    async recordFailure() {
      counts.failures += 1;
    },
  };
  const verify = async (
    presented: string | string[],
    over: Partial<SecretSubject> = {},
    secrets = stored,
  ) => {
    const result = await verifier.verify(
      { ...subject, ...over },
      secrets,
      [presented].flat(),
      attempt,
    );
    return result.outcome;
  };
  const lockAfter = (failures: number) => {
    limit = failures;
  };
  return { bcrypt, counts, stored, verifier, verify, lockAfter };
}

describe('SecretVerifier', () => {
  it('pays one bcrypt for the first of many right secrets', async () => {
    const { bcrypt, verify, counts } = await verifierWorld();
    for (let i = 0; i < 20; i += 1) expect(await verify('right secret')).toBe('matched');
    expect(bcrypt.compares).toBe(1);
    expect(counts).toEqual({ failures: 0, asked: 2 });
  });

  it('refuses at once while the bcrypt queue is full, except what needs no bcrypt', async () => {
    const { bcrypt, verify, counts } = await verifierWorld();
    await verify('right secret');
    bcrypt.isFull = true;
    await expect(verify('wrong secret')).rejects.toMatchObject({ code: 'overloaded' });
    expect(await verify('right secret')).toBe('matched');
    expect(await verify('tgs_right')).toBe('matched');
    expect([bcrypt.compares, counts.failures]).toEqual([1, 0]);
  });

  it('pays none for a generated secret', async () => {
    const { bcrypt, verify } = await verifierWorld();
    expect(await verify('tgs_right')).toBe('matched');
    expect(bcrypt.compares).toBe(0);
  });

  it('forgets at a new version, for another subject, and for another hash', async () => {
    const { bcrypt, stored, verify } = await verifierWorld();
    await verify('right secret');
    expect(await verify('right secret', { version: 2 })).toBe('matched');
    expect(await verify('right secret', { id: 'client:other' })).toBe('matched');
    expect(bcrypt.compares).toBe(3);
    expect(await verify('right secret', {}, [])).toBe('wrong');
    expect(await verify('right secret', {}, stored.slice(1))).toBe('wrong');
  });

  it('pays the full price for each wrong secret, remembers none, and counts each', async () => {
    const { bcrypt, verify, counts } = await verifierWorld();
    for (let i = 0; i < 3; i += 1) expect(await verify('wrong secret')).toBe('wrong');
    expect(bcrypt.compares).toBe(3);
    expect(counts.failures).toBe(3);
  });

  it('tries every reading of what was presented, and counts one failure for all', async () => {
    const { verify, counts } = await verifierWorld();
    expect(await verify(['right%20secret', 'right secret'])).toBe('matched');
    expect(await verify(['wrong%20secret', 'wrong secret'])).toBe('wrong');
    expect(counts.failures).toBe(1);
  });

  it('lets equal verifications at one time share one bcrypt', async () => {
    const { bcrypt, verify, counts } = await verifierWorld();
    const all = await Promise.all(Array.from({ length: 50 }, () => verify('right secret')));
    expect(new Set(all)).toEqual(new Set(['matched']));
    expect([bcrypt.compares, counts.failures]).toEqual([1, 0]);
  });

  it('counts each of equal wrong ones at one time, which share one bcrypt too', async () => {
    const { bcrypt, verify, counts } = await verifierWorld();
    await Promise.all(Array.from({ length: 5 }, () => verify('wrong secret')));
    expect([bcrypt.compares, counts.failures]).toEqual([1, 5]);
  });

  it('takes a right secret no more when others locked the subject while bcrypt ran', async () => {
    const { bcrypt, counts, verify, lockAfter } = await verifierWorld();
    lockAfter(1);
    const compare = bcrypt.compare.bind(bcrypt);
    jest.spyOn(bcrypt, 'compare').mockImplementationOnce(async (text, hash) => {
      counts.failures = 1; // another process has booked a failure
      return compare(text, hash);
    });
    expect(await verify('right secret')).toBe('not_allowed');
    counts.failures = 0;
    expect(await verify('right secret')).toBe('matched');
    expect(bcrypt.compares).toBe(2);
  });

  it('books equal wrong ones only until they have locked the subject', async () => {
    const { counts, verify, lockAfter } = await verifierWorld();
    lockAfter(3);
    const all = await Promise.all(Array.from({ length: 50 }, () => verify('wrong secret')));
    expect(all.filter((outcome) => outcome === 'wrong')).toHaveLength(3);
    expect(counts.failures).toBe(3);
  });

  it('turns away equal ones beyond 256, and takes fewer, as a client that starts cold sends them', async () => {
    const { bcrypt, verify } = await verifierWorld();
    const all = await Promise.allSettled(Array.from({ length: 300 }, () => verify('right secret')));
    const refused = all.filter((one) => one.status === 'rejected').map((one) => one.reason);
    expect(refused).toHaveLength(300 - 257);
    for (const error of refused) expect(error).toMatchObject({ code: 'too_many_attempts' });
    expect(bcrypt.compares).toBe(1);
  });

  it('treats nobody as it treats a wrong secret: in a line, which may be too long', async () => {
    const { bcrypt, verifier } = await verifierWorld();
    const guesses = [...Array.from({ length: 9 }, (_, i) => `guess ${i}`), 'guess 0'];
    const all = await Promise.allSettled(
      guesses.map((guess) => verifier.verifyNobody('name:nobody', guess)),
    );
    const statuses = all.map(({ status }) => status);
    expect(statuses).toEqual([...Array(8).fill('fulfilled'), 'rejected', 'fulfilled']);
    expect(bcrypt.compares).toBe(8);
  });

  it('keeps different ones in line, one at a time, and turns away who finds it too long', async () => {
    const { bcrypt, verify, counts } = await verifierWorld();
    const all = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => verify(`wrong ${i}`)),
    );
    const refused = all.filter((one) => one.status === 'rejected').map((one) => one.reason);
    expect(refused).toHaveLength(12);
    for (const error of refused)
      expect(error).toMatchObject({ code: 'too_many_attempts', retryAfterSeconds: 5 });
    expect([bcrypt.compares, counts.failures]).toEqual([8, 8]);
    expect(await verify('right secret')).toBe('matched');
  });

  it('asks again before each whether trying is still allowed, so none slips in behind the limit', async () => {
    const { bcrypt, verify, counts, lockAfter } = await verifierWorld();
    lockAfter(3);
    const all = await Promise.all(
      Array.from({ length: 8 }, (_, i) => verify(i < 7 ? `wrong ${i}` : 'right secret')),
    );
    expect(all).toEqual(['wrong', 'wrong', 'wrong', ...Array(5).fill('not_allowed')]);
    expect([bcrypt.compares, counts.failures]).toEqual([3, 3]);
  });

  it('leaves the lines of others alone', async () => {
    const { verify } = await verifierWorld();
    const flood = Array.from({ length: 20 }, (_, i) => verify(`wrong ${i}`).catch(() => 'refused'));
    expect(await verify('right secret', { id: 'client:other' })).toBe('matched');
    await Promise.all(flood);
  });

  it('goes on after a verification that failed for another reason', async () => {
    const { verifier, stored, verify } = await verifierWorld();
    const broken = {
      isAllowed: () => Promise.reject(new Error('store')),
      recordFailure: async () => {},
    };
    const subject = { id: 'client:orders', version: 1 };
    await expect(verifier.verify(subject, stored, ['right secret'], broken)).rejects.toThrow(
      'store',
    );
    expect(await verify('right secret')).toBe('matched');
  });
});
