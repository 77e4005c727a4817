/** The page before an act that takes something away: what it takes, and a way back. */
import type { Client } from '../../domain/clients/client.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { type ClientHeader, type ClientTab, showClientPage } from '../clients/client-page.ts';
import type { Stale } from './security-page.ts';

/** What is asked. */
export interface Question {
  heading: string;
  text: string;
  /** What is lost, in groups. */
  lists: { title: string; items: string[] }[];
  /** What stays true beside it, in quiet words. */
  notes: string[];
  stale: Stale | null;
  action: string;
  fields: { name: string; value: string }[];
  submit: string;
  cancel: { href: string; label: string };
}

/** The locals of the view. */
export interface ConfirmLocals {
  client: ClientHeader;
  question: Question;
}

/** What differs from question to question. */
export interface Asked extends Partial<Pick<Question, 'lists' | 'notes' | 'stale'>> {
  tab: ClientTab;
  /** The last step of the breadcrumbs, such as `Delete`. */
  crumb: string;
  heading: string;
  text: string;
  action: string;
  fields: Readonly<Record<string, string | readonly string[]>>;
  submit: string;
  cancel: { href: string };
  status?: number;
}

/** Asks; the answer is a post to `action`. */
export function showQuestion(call: ConsoleCall, client: Client, asked: Asked): Promise<void> {
  const { tab, crumb, heading, text, action, fields, submit, cancel, status = 200 } = asked;
  const { lists = [], notes = [], stale = null } = asked;
  const question: Question = {
    ...{ heading, text, notes, stale, action, submit },
    lists: lists.filter(({ items }) => items.length > 0),
    fields: Object.entries(fields).flatMap(([name, values]) =>
      [values].flat().map((value) => ({ name, value })),
    ),
    cancel: { href: cancel.href, label: call.t('common.cancel') },
  };
  return showClientPage(call, client, {
    ...{ tab, status, title: heading, crumb },
    view: 'admin/security/confirm',
    locals: { question },
  });
}
