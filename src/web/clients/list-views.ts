/** Locals of the list of clients, and of what is done to several of them. */
import type { FieldProblem } from '../../domain/errors.ts';
import type { TimeView } from '../formats.ts';
import type { ChipsView, PagerView } from '../lists.ts';
import type { MenuItem } from './client-actions.ts';
import type { StatusChip } from './client-status.ts';
import type { Notice } from './views.ts';

/** A link with its words. */
export interface Link {
  href: string;
  label: string;
}

/** A tab of the component `tabs`. */
export interface TabView extends Link {
  count?: string;
  current: boolean;
}

/** A field that is sent along unseen. */
export interface HiddenField {
  name: string;
  value: string;
}

/** The form of the filters. */
export interface ListFilters {
  search: string;
  /** Whether one of the selects or ticks is in use. */
  isNarrowed: boolean;
  selects: { name: string; label: string; value: string; options: HiddenOption[] }[];
  /** The name of an API group, where there are too many to pick one; null where one is picked. */
  apiGroup: string | null;
  ticks: { name: string; value: string; label: string; checked: boolean }[];
  kept: HiddenField[];
}
type HiddenOption = { value: string; label: string };

/** The head of a column; `direction` is null where the list is sorted by another. */
export interface HeadView {
  label: string;
  number: boolean;
  sort?: { href: string; direction: 'ascending' | 'descending' | null };
}

/** What a column says of a client; an instant of null is told as never. */
export type Cell =
  | { chip: StatusChip }
  | { text: string; isMono?: boolean }
  | { link: Link }
  | { meter: { label: string; used: number; limit: number | null; text: string; tone?: string } }
  | { time: TimeView | null };

/** A row of the list. */
export interface ListRow {
  clientId: string;
  name: string;
  href: string;
  /** What its tick box is called. */
  pick: string;
  cells: Cell[];
  menu: { label: string; items: MenuItem[] };
}

/** A client that an act on several changes; `after` is null as long as nobody knows. */
export interface ChangeRow extends Link {
  clientId: string;
  before: string;
  after: string | null;
}

export interface ClientListViews {
  'admin/clients/list': {
    create: Link & { reason?: string };
    exportHref: string;
    tabs: TabView[];
    filters: ListFilters;
    chips: ChipsView;
    columns: { value: string; label: string; checked: boolean }[];
    /** What the form of the columns sends along. */
    columnsKept: HiddenField[];
    heads: HeadView[];
    rows: ListRow[];
    pager: PagerView;
    bulk: {
      /** Why this admin may not act on several; null where they may. */
      reason: string | null;
      acts: { value: string; label: string }[];
      /** Query of the list, to come back to. */
      query: string;
      /** The list itself, for acts on one row. */
      next: string;
      /** How to act on all that match, where they are more than the page shows. */
      all: string | null;
    };
    /** What is said where there is no row; `drops` name filters and what the list shows without each. */
    empty: { text: string; action?: Link; link?: Link; drops: Link[] } | null;
  };
  'admin/clients/bulk': {
    problems: FieldProblem[];
    notices: Notice[];
    /** The first of those that change, and how many there are besides. */
    changes: {
      caption: string;
      /** What is said of each client before the act. */
      before: string;
      rows: ChangeRow[];
      more: string | null;
    } | null;
    /** Those that stay as they are, with the reason. */
    failures: (Link & { why: string })[];
    form: {
      hidden: HiddenField[];
      /** Asks until when, for `extend`. */
      extend: ExtendForm | null;
      submit: string;
    } | null;
    back: Link;
  };
}

/** The fields of an extension, as they were filled in. */
export interface ExtendForm {
  modes: { value: string; label: string; checked: boolean }[];
  to: string;
  days: string;
  timeZone: string;
  errors: Record<string, string>;
}
