/** Acts on a client that take one press and can be taken back by another: disable, enable, unlock. */
import type { Client } from '../../domain/clients/client.ts';
import { unlockClient, updateClient } from '../../domain/clients/manage-clients.ts';
import { isDomainError } from '../../domain/errors.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { nextPath } from '../sign-in/next-path.ts';
import { clientOf, clientPath } from './client-page.ts';

/** Each is a POST; its field `next` names the page of the console to go back to. */
export const actionRoutes: ConsoleRoute[] = [
  {
    method: 'POST',
    path: '/admin/clients/:clientId/disable',
    role: 'operator',
    handler: (call) => switchTo(call, 'disabled'),
  },
  {
    method: 'POST',
    path: '/admin/clients/:clientId/enable',
    role: 'operator',
    handler: (call) => switchTo(call, 'enabled'),
  },
  {
    method: 'POST',
    path: '/admin/clients/:clientId/unlock',
    role: 'operator',
    handler: unlock,
  },
];

async function switchTo(call: ConsoleCall, status: Client['status']): Promise<void> {
  const client = await setStatus(call, status);
  goBack(call, client, status);
}

async function unlock(call: ConsoleCall): Promise<void> {
  const { clientId } = await clientOf(call);
  goBack(call, await unlockClient(call.services, call.actor, clientId), 'unlocked');
}

function goBack(call: ConsoleCall, client: Client, done: string): void {
  const { displayName: name } = client;
  const text = call.t(`client.done.${done}`, { name });
  call.redirect(nextPath(call.form.get('next'), clientPath(client)), text);
}

/** Whoever changes the client at the same moment must not keep it from being switched off. */
const TRIES = 5;

/** Sets the status, whatever version the client has: nothing else that others change is touched. */
async function setStatus(call: ConsoleCall, status: Client['status']): Promise<Client> {
  const { services, actor } = call;
  for (let tries = 1; ; tries += 1) {
    const { clientId, version } = await clientOf(call);
    try {
      return (await updateClient(services, actor, clientId, version, { status })).client;
    } catch (error) {
      const isRace = isDomainError(error) && error.code === 'version_conflict';
      if (!isRace || tries === TRIES) throw error;
    }
  }
}
