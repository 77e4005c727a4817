/**
 * The contract of writes outside the governed records that take an audit event: both, or neither. An
 * event that is stored already stands for one that cannot be written.
 */
import { describe, expect, it } from '@jest/globals';
import type { AuditEvent } from '../../src/domain/audit/audit-event.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { eventOf, fresh, mailFixture, NOW } from '../support/contract-fixtures.ts';
import { type Open, useStores } from './contract.ts';
import { issued } from './issued-tokens.ts';
import { linkFixture } from './one-time-links.contract.ts';

/** Describes the contract; a database without transactions cannot keep it. */
export function describeEvents(open: Open): void {
  describe('writes with an event that cannot be written', () => {
    const stores = useStores(open);

    it.each(['revoke', 'revokeAll'] as const)('tokens: %s revokes nothing', async (how) => {
      const clientId = fresh('owner');
      const access = await issued(stores(), { clientId });
      const event = await writtenEvent(stores(), clientId);
      const { tokens } = stores();
      const revoked =
        how === 'revoke'
          ? tokens.revoke(access.tokenId, NOW, event)
          : tokens.revokeAll({ clientId }, NOW, () => event);
      await expect(revoked).rejects.toMatchObject({ code: 'conflict' });
      expect(await tokens.findAccess(access.tokenId)).toStrictEqual(access);
    });

    it('one-time links: the link before still works', async () => {
      const { oneTimeLinks } = stores();
      const link = linkFixture();
      await oneTimeLinks.insert(link);
      const next = linkFixture({ subjectId: link.subjectId });
      const event = await writtenEvent(stores(), link.subjectId);
      await expect(oneTimeLinks.insert(next, event)).rejects.toMatchObject({ code: 'conflict' });
      expect(await oneTimeLinks.find(next.digest, NOW)).toBeNull();
      expect(await oneTimeLinks.find(link.digest, NOW)).toStrictEqual(link);
    });

    it('mails: the state before stays', async () => {
      const { mails } = stores();
      const mail = mailFixture({ state: 'failed' });
      await mails.record(mail);
      const event = await writtenEvent(stores(), mail.mailId);
      const requeued = mails.requeue({ ...mail, state: 'queued' }, mail, event);
      await expect(requeued).rejects.toMatchObject({ code: 'conflict' });
      expect(await mails.find(mail.mailId, NOW)).toStrictEqual(mail);
    });
  });
}

async function writtenEvent({ audit }: Stores, id: string): Promise<AuditEvent> {
  const event = eventOf('client.revoke_token', id);
  await audit.append(event);
  return event;
}
