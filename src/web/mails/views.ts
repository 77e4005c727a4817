/** Locals of the page of mails. */
import type { StatusChip } from '../clients/client-status.ts';
import type { TimeView } from '../formats.ts';
import type { PagerView } from '../lists.ts';

export interface MailRow {
  mailId: string;
  at: TimeView;
  subject: string;
  to: string[];
  object: { label: string; href: string } | null;
  state: StatusChip;
  error: string | null;
  /** Empty before the first. */
  attempts: string;
  /** When it is tried again. */
  next: TimeView | null;
  /** Whether sending it again can help. */
  retry: { action: string; label: string; disabled: boolean; reason: string | undefined } | null;
}

export interface MailViews {
  'admin/mails/list': {
    states: { label: string; href: string; current: boolean }[];
    rows: MailRow[];
    problems: { field: string; message: string }[];
    pager: PagerView;
  };
}
