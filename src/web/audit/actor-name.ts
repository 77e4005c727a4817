/** Whoever acted, as people know them. */
import type { Actor } from '../../domain/audit/audit-event.ts';
import type { ConsoleCall } from '../admin/route.ts';

/** Who acted, by name where there is one. */
export async function actorName(
  { services, t }: Pick<ConsoleCall, 'services' | 't'>,
  { kind, id }: Actor,
): Promise<string> {
  const admin = kind === 'admin' ? await services.stores.admins.find(id) : null;
  return admin?.userName ?? t(`audit.actor.${kind}`, { id });
}
