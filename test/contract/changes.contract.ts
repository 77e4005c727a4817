/** The contract of ChangeFeed; that each write enters it is in the contracts of the stores. */
import { describe, expect, it } from '@jest/globals';
import {
  apiFixture,
  clientFixture,
  eventOf,
  NOW,
  spendUse,
  userFixture,
} from '../support/contract-fixtures.ts';
import { feedPosition, type Open, useStores } from './contract.ts';
import { issuedPair, rotationOf } from './issued-tokens.ts';

/** Describes the contract. */
export function describeChanges(open: Open): void {
  describe('the change feed', () => {
    const stores = useStores(open);

    it('answers null while nothing has changed', async () => {
      const position = await feedPosition(stores());
      expect(await stores().changes.since(position)).toBeNull();
    });

    it('answers the changes after a position, to everyone who asks', async () => {
      const start = await feedPosition(stores());
      const [client, user, api] = [clientFixture(), userFixture(), apiFixture()];
      await stores().clients.insert(client, eventOf('client.create', client.clientId));
      const middle = await feedPosition(stores());
      await stores().users.insert(user, eventOf('user.create', user.userId));
      await stores().apis.insert(api, eventOf('api.create', api.apiId));
      const later = [
        { kind: 'user', id: user.userId },
        { kind: 'catalog', id: api.apiId },
      ];
      const all = [{ kind: 'client', id: client.clientId }, ...later];
      expect((await stores().changes.since(start))?.changed).toEqual(all);
      expect((await stores().changes.since(start))?.changed).toEqual(all);
      expect((await stores().changes.since(middle))?.changed).toEqual(later);
    });

    it('has every change that was answered before the question, whatever else is written', async () => {
      let position = await feedPosition(stores());
      const seen = new Set<string>();
      const look = async () => {
        const news = await stores().changes.since(position);
        if (news === null) return;
        position = news.position;
        if (news.changed === 'everything') throw new Error('the feed reaches back this far');
        for (const { id } of news.changed) seen.add(id);
      };
      const write = async () => {
        const client = clientFixture();
        await stores().clients.insert(client, eventOf('client.create', client.clientId));
        await look();
        expect(seen).toContain(client.clientId);
      };
      await Promise.all(Array.from({ length: 40 }, write));
    });

    it('is entered by the end of a token, not by its issue, its uses or its replacement', async () => {
      const position = await feedPosition(stores());
      const { access, family } = await issuedPair(stores());
      await spendUse(stores(), access.tokenId, NOW);
      expect(await stores().tokens.rotate(rotationOf(family))).toBe(true);
      expect(await stores().changes.since(position)).toBeNull();
      await stores().tokens.revoke(access.tokenId, NOW);
      const changed = [{ kind: 'token', id: access.tokenId }];
      expect((await stores().changes.since(position))?.changed).toEqual(changed);
    });
  });
}
