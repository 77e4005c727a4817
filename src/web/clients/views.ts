/** Locals of the pages of one client. */

import type { FieldProblem } from '../../domain/errors.ts';
import type { TimeView } from '../formats.ts';
import type { ClientForm } from '../forms/client-form-view.ts';
import type { PagerView } from '../lists.ts';
import type { ClientHeader } from './client-page.ts';

/** A row of the component `summary-list`. */
export interface SummaryRow {
  label: string;
  value?: string;
  values?: string[];
  time?: TimeView;
  mono?: boolean;
  copy?: boolean;
}

/** Something in a sentence, and how grave it is. */
export interface Notice {
  tone: 'good' | 'warning' | 'danger' | 'info';
  heading?: string;
  text?: string;
  items?: string[];
}

/** The component `meter`. */
export interface MeterView {
  label: string;
  used: number;
  limit: number;
  text: string;
  reset: string;
  tone: 'good' | 'warning' | 'danger';
}

/** A part of the details, with the form that changes it. */
export interface DetailsSection {
  title: string;
  /** Left out: nothing of it can be changed. */
  action?: { href: string; label: string; disabled: boolean; reason?: string };
  rows: SummaryRow[];
  notice: Notice | null;
  meter: MeterView | null;
}

/** A field that two admins saw differently. */
export interface ConflictRow {
  field: string;
  label: string;
  /** As it was when the form was opened; null where nobody knows any more. */
  read: string | null;
  stored: string;
  mine: string;
  /** Who changed it; `both` asks which one stays. */
  by: 'mine' | 'theirs' | 'both';
  /** The answer so far. */
  chosen: 'mine' | 'theirs' | null;
}

/** What a change would have done to the calls of the last day. */
export interface PreviewView {
  notice: Notice;
  caption: string;
  calls: {
    at: TimeView;
    call: string;
    address: string;
    before: string;
    after: string;
    href: string;
  }[];
}

/** A live token, as it is listed. */
export interface TokenRow {
  tokenId: string;
  kind: string;
  grant: string;
  user: { name: string; href: string } | null;
  scopes: string;
  issued: TimeView;
  expires: TimeView;
  uses: string;
  /** How many are left, or that there is no limit. */
  left: string;
  revoke: string;
}

export interface ClientViews {
  'admin/clients/details': { client: ClientHeader; sections: DetailsSection[] };
  'admin/clients/edit': {
    client: ClientHeader;
    section: string;
    title: string;
    action: string;
    /** Version that the form was made from. */
    version: string;
    /** What the fields held then. */
    read: string;
    sections: { href: string; label: string; current: boolean }[];
    form: ClientForm;
    preview: PreviewView | null;
    /** What saving takes away, as its reader has agreed to; null where it takes nothing. */
    removes: { names: string; notice: Notice } | null;
  };
  'admin/clients/conflict': {
    client: ClientHeader;
    action: string;
    version: string;
    /** What was entered, field by field of the form. */
    entered: { name: string; value: string }[];
    rows: ConflictRow[];
    text: string;
    problems: FieldProblem[];
    submit: string;
  };
  'admin/clients/delete': {
    client: ClientHeader;
    action: string;
    version: string;
    consequences: Notice;
    /** The name to be typed; null where none is asked for. */
    name: string | null;
    typed: string;
    error: string | undefined;
    problems: FieldProblem[];
    stale: Notice | null;
  };
  'admin/clients/tokens': {
    client: ClientHeader;
    rows: TokenRow[];
    pager: PagerView;
    revokeAll: { href: string; label: string; disabled: boolean; reason?: string };
    locked: string | undefined;
  };
  'admin/clients/revoke-tokens': { client: ClientHeader; consequences: Notice; action: string };
  'admin/clients/audit': { client: ClientHeader; rows: ClientAuditRow[]; pager: PagerView };
}

/** An audit event of a client or of one of its keys, in words. */
export interface ClientAuditRow {
  at: TimeView;
  actor: string;
  address: string | null;
  /** The key that it is about; null where that is the client. */
  key: { label: string; href: string | null } | null;
  action: string;
  /** What was changed, such as `API quota, Priority`. */
  what: string;
  /** Before and after; null for what began or ended, which has one side only. */
  changes: { field: string; before: string; after: string }[] | null;
  /** What began or ended, field by field. */
  record: SummaryRow[];
}
