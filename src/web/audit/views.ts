/** Locals of the audit page. */
import type { TimeView } from '../formats.ts';
import type { ChipsView, PagerView } from '../lists.ts';
import type { ShownObject } from './object-names.ts';

/** An event, its changes ready to be shown. */
export interface AuditRow {
  at: TimeView;
  actor: string;
  address: string | null;
  /** `words` is null where only the code says it. */
  action: { words: string | null; code: string };
  object: ShownObject;
  changes: { field: string; before: string; after: string }[];
}

export interface AuditViews {
  'admin/audit/list': {
    values: Record<string, string>;
    kinds: { value: string; label: string }[];
    chips: ChipsView;
    rows: AuditRow[];
    /** The same events as a file. */
    exportHref: string;
    pager: PagerView;
  };
}
