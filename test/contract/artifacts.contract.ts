/** The contract of ArtifactStore. */
import { describe, expect, it } from '@jest/globals';
import type { Artifact } from '../../src/domain/artifacts.ts';
import { fresh, fromNow, NOW } from '../support/contract-fixtures.ts';
import { type Open, useStores } from './contract.ts';

function artifactFixture(changes: Partial<Artifact> = {}): Required<Artifact> {
  return {
    model: 'ReplayDetection',
    digest: fresh('digest'),
    payload: { iss: 'client', exp: 1_800_000_000, nested: { list: [1, 'a', null], 'a.b': true } },
    expiresAt: fromNow(60),
    ...changes,
  };
}

/** Describes the contract. */
export function describeArtifacts(open: Open): void {
  describe('artifacts', () => {
    const stores = useStores(open);
    const artifacts = () => stores().artifacts;

    it('round-trips a payload until it expires', async () => {
      const { model, digest, payload, ...rest } = artifactFixture();
      expect(await artifacts().insert({ model, digest, payload, ...rest }, NOW)).toBe(true);
      expect(await artifacts().find(model, digest, fromNow(59.999))).toStrictEqual(payload);
      expect(await artifacts().find(model, digest, fromNow(60))).toBeNull();
      expect(await artifacts().find('Other', digest, NOW)).toBeNull();
    });

    it('takes an id once, of concurrent calls exactly one, until it has expired', async () => {
      const artifact = artifactFixture();
      const calls = Array.from({ length: 50 }, () => artifacts().insert(artifact, NOW));
      expect((await Promise.all(calls)).filter(Boolean)).toHaveLength(1);
      const next = { ...artifact, payload: { next: true }, expiresAt: fromNow(120) };
      expect(await artifacts().insert(next, fromNow(59.999))).toBe(false);
      expect(await artifacts().insert(next, fromNow(60))).toBe(true);
      expect(await artifacts().find(next.model, next.digest, fromNow(61))).toStrictEqual({
        next: true,
      });
      expect(await artifacts().insert({ ...artifact, model: 'Other' }, NOW)).toBe(true);
    });

    it('replaces with upsert', async () => {
      const artifact = artifactFixture();
      await artifacts().upsert(artifact);
      await artifacts().upsert({ ...artifact, payload: { second: 2 }, expiresAt: fromNow(90) });
      const { model, digest } = artifact;
      expect(await artifacts().find(model, digest, fromNow(89))).toStrictEqual({ second: 2 });
    });

    it('is consumed by exactly one of concurrent calls, and says when', async () => {
      const { model, digest, payload, expiresAt } = artifactFixture();
      await artifacts().upsert({ model, digest, payload, expiresAt });
      const calls = Array.from({ length: 50 }, () =>
        artifacts().consume(model, digest, fromNow(1)),
      );
      expect((await Promise.all(calls)).filter(Boolean)).toHaveLength(1);
      const consumed = Math.floor(fromNow(1).getTime() / 1000);
      const found = await artifacts().find(model, digest, fromNow(2));
      expect(found).toStrictEqual({ ...payload, consumed });
    });

    it('does not consume what is unknown or expired', async () => {
      const { model, digest, ...rest } = artifactFixture();
      await artifacts().upsert({ model, digest, ...rest });
      expect(await artifacts().consume(model, digest, fromNow(60))).toBe(false);
      expect(await artifacts().consume(model, 'nothing', NOW)).toBe(false);
    });

    it('removes', async () => {
      const { model, digest, ...rest } = artifactFixture();
      await artifacts().upsert({ model, digest, ...rest });
      await artifacts().remove(model, digest);
      await artifacts().remove(model, digest);
      expect(await artifacts().find(model, digest, NOW)).toBeNull();
    });
  });
}
