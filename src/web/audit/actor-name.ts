/** Whoever acted, as people know them. */
import type { Actor } from '../../domain/audit/audit-event.ts';
import type { ConsoleCall } from '../admin/route.ts';

type Names = Pick<ConsoleCall, 'services' | 't'>;

/** Who acted, by name where there is one. */
export async function actorName({ services, t }: Names, { kind, id }: Actor): Promise<string> {
  const admin = kind === 'admin' ? await services.stores.admins.find(id) : null;
  return admin?.userName ?? t(`audit.actor.${kind}`, { id });
}

/** Names the actors of one page of events; each is looked up once. */
export function actorNames(call: Names): (actor: Actor) => Promise<string> {
  const found = new Map<string, Promise<string>>();
  return function nameOf(actor) {
    const key = `${actor.kind} ${actor.id}`;
    const name = found.get(key) ?? actorName(call, actor);
    found.set(key, name);
    return name;
  };
}
