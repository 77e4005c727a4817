/**
 * The page that shows a new secret or key, this once. Its value goes from the domain into this one
 * answer: into no redirect, flash, log or audit event.
 */
import type { Client } from '../../domain/clients/client.ts';
import type { ConsoleCall } from '../admin/route.ts';
import {
  type ClientHeader,
  type ClientTab,
  clientPath,
  showClientPage,
} from '../clients/client-page.ts';

/** The locals of the view. */
export interface IssuedLocals {
  client: ClientHeader;
  heading: string;
  /** Whether somebody was told; null where nobody is. */
  told: { tone: 'good' | 'warning'; text: string } | null;
  secret: {
    label: string;
    value: string;
    hint: string;
    downloadName: string;
    env: string;
    done: { href: string; label: string };
  };
  facts: { label: string; value?: string; values?: string[] }[];
  /** Lines to paste. */
  code: { label: string; value: string }[];
}

/** What was issued. */
export interface Issued extends Pick<IssuedLocals, 'heading' | 'told' | 'facts' | 'code'> {
  tab: ClientTab;
  /** Path of the tab below its client. */
  path: string;
  label: string;
  value: string;
  /** Names and values of the file `.env`. */
  env: Readonly<Record<string, string>>;
}

/** Shows it, with status 200; the dispatcher has said `no-store`. */
export function showIssued(call: ConsoleCall, client: Client, issued: Issued): Promise<void> {
  const { t } = call;
  const { tab, path, heading, told, facts, code, label, value, env } = issued;
  call.made = clientPath(client, path);
  const lines = Object.entries(env).map(([name, text]) => `${name}=${text}\n`);
  return showClientPage(call, client, {
    ...{ tab, view: 'admin/security/issued', title: heading },
    locals: {
      ...{ heading, told, facts, code },
      secret: {
        ...{ label, value, hint: t('security.issued.hint') },
        downloadName: `${client.clientName}.env`,
        env: lines.join(''),
        done: { href: call.made, label: t('security.issued.done') },
      },
    },
  });
}

/** A text as one word of a shell. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
