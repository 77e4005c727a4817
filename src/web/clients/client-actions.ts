/** What the header of a client offers: the links, and the menu of the rest. */
import type { Client } from '../../domain/clients/client.ts';
import { type ConsoleCall, roleNeeded } from '../admin/route.ts';
import { clientPath } from './client-path.ts';

/** An entry of the component `menu`. */
export interface MenuItem {
  label: string;
  href?: string;
  /** `form`: id of a form of the page that is sent there, in place of one of its own with the fields. */
  post?: { action: string; fields?: Record<string, string>; form?: string };
  danger?: boolean;
  disabled?: boolean;
  reason?: string;
}

/** Buttons of the header; `reason` says why one is not offered. */
export interface ClientActions {
  links: { href: string; label: string; primary?: boolean; isEdit?: boolean; reason?: string }[];
  menu: { label: string; items: MenuItem[] };
}

/**
 * The actions of a client.
 *
 * @param isDetails whether the page has no button of its own, so that Edit is its main one
 */
export function clientActions(
  call: ConsoleCall,
  client: Client,
  isDetails: boolean,
): ClientActions {
  const { t } = call;
  const reason = roleNeeded(call, 'operator');
  const why = reason === undefined ? {} : { reason };
  return {
    links: [
      {
        href: clientPath(client, '/edit/who'),
        label: t('common.edit'),
        primary: isDetails,
        isEdit: true,
        ...why,
      },
      { href: clientPath(client, '/security-level'), label: t('client.security') },
    ],
    menu: {
      label: t('client.more'),
      items: [...quickActs(call, client), ...pages(call, client)],
    },
  };
}

/** Acts of one press, each of which another takes back; a list of clients offers them as well. */
export function quickActs(call: ConsoleCall, client: Client): MenuItem[] {
  const acts = [client.status === 'enabled' ? 'disable' : 'enable'];
  if (client.lock.lockedAt !== null) acts.push('unlock');
  const next = call.ctx.path + call.ctx.search;
  return acts.map((act) => ({
    label: call.t(`client.act.${act}`),
    ...offered(call, { post: { action: clientPath(client, `/${act}`), fields: { next } } }),
  }));
}

function pages(call: ConsoleCall, client: Client): MenuItem[] {
  const { t } = call;
  return [
    { label: t('client.copy'), ...offered(call, { href: clientPath(client, '/copy') }) },
    {
      label: t('common.delete'),
      ...offered(call, { href: clientPath(client, '/delete'), danger: true }),
    },
  ];
}

/** The act, or why this admin may not. */
function offered(call: ConsoleCall, act: Partial<MenuItem>): Partial<MenuItem> {
  const reason = roleNeeded(call, 'operator');
  return reason === undefined ? act : { disabled: true, reason };
}
