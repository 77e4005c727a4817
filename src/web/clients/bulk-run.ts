/** Changes several clients, each as if alone: what one of them refuses keeps no other from changing. */
import type { Client } from '../../domain/clients/client.ts';
import { updateClient } from '../../domain/clients/manage-clients.ts';
import { type DomainError, isDomainError } from '../../domain/errors.ts';
import type { ConsoleCall } from '../admin/route.ts';
import type { AgreedChange } from './bulk-plan.ts';
import { clientPath } from './client-path.ts';
import type { Link } from './list-views.ts';

/** A client that was not changed, and why. */
export type Failure = Link & { why: string };

/** Changes under way at the same time, which then share one write to the disk. */
const AT_ONCE = 8;

/** Makes the changes; answers those that failed. Once the store does not answer, the rest is not tried. */
export async function changeEach(
  call: ConsoleCall,
  agreed: readonly AgreedChange[],
): Promise<Failure[]> {
  const failures: Failure[] = [];
  let isDown = false;
  for (let start = 0; start < agreed.length; start += AT_ONCE) {
    const batch = agreed.slice(start, start + AT_ONCE);
    const errors = await Promise.all(
      batch.map((change) => (isDown ? NOT_TRIED : errorOf(call, change))),
    );
    for (const [i, change] of batch.entries()) {
      const error = errors[i] ?? null;
      if (error === null) continue;
      isDown ||= error !== NOT_TRIED && UNAVAILABLE.has(error.code);
      failures.push(failureOf(call, change, error));
    }
  }
  return failures;
}

const NOT_TRIED = 'not_tried';
const UNAVAILABLE: ReadonlySet<string> = new Set(['store_unavailable', 'overloaded']);

/** Why a change failed, or null. */
async function errorOf(call: ConsoleCall, change: AgreedChange): Promise<DomainError | null> {
  const { services, actor } = call;
  const { clientId, version, patch } = change;
  try {
    await updateClient(services, actor, clientId, version, patch);
    return null;
  } catch (error) {
    if (isDomainError(error)) return error;
    throw error;
  }
}

function failureOf(
  { t }: ConsoleCall,
  { clientId }: AgreedChange,
  error: DomainError | typeof NOT_TRIED,
): Failure {
  const href = clientPath({ clientId });
  if (error === NOT_TRIED) return { href, label: clientId, why: t('clients.bulk.why.not_tried') };
  const { displayName: label = clientId } = (error.current ?? {}) as Partial<Client>;
  const key = `clients.bulk.why.${error.code}`;
  return { href, label, why: t.has(key) ? t(key) : (error.hint ?? error.message) };
}
