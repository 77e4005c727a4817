/** Locals of the pages that every governed noun of the console shares: list, form, record, deletion. */
import type { StatusChip } from '../clients/client-status.ts';
import type { TimeView } from '../formats.ts';
import type { ChipsView, PagerView } from '../lists.ts';

/** A link. */
export interface Link {
  href: string;
  label: string;
}

/** A link that may not be offered; then the reason says why. */
export interface OfferedLink extends Link {
  disabled?: boolean;
  reason?: string;
}

/** An entry of a menu. */
export interface MenuItem extends Partial<OfferedLink> {
  label: string;
  danger?: boolean;
  post?: { action: string; fields?: Record<string, string> };
}

/** What stands in a cell of a table; the first that is given is shown. */
export interface Cell {
  /** Below the name stands its id, or other words. */
  name?: { label: string; href?: string; id?: string; below?: string };
  chip?: StatusChip;
  /** Null: never. */
  time?: TimeView | null;
  links?: Link[];
  text?: string;
  number?: boolean;
  mono?: boolean;
}

/** A table; a column with `sort` has a link that sorts by it. */
export interface TableView {
  caption: string;
  columns: {
    label: string;
    number?: boolean;
    sort?: { href: string; direction: 'ascending' | 'descending' | null };
  }[];
  rows: { cells: Cell[]; menu?: { label: string; items: MenuItem[] } }[];
}

/** A row of the component `summary-list`. */
export interface SummaryRow {
  label: string;
  value?: string;
  values?: string[];
  time?: TimeView | null;
  mono?: boolean;
  copy?: boolean;
}

/** A part of the page of a record: a table, or what to say where there is none, or a summary. */
export interface SectionView {
  /** Id of the section, to link to. */
  id: string;
  title: string;
  text?: string;
  action?: OfferedLink;
  summary?: SummaryRow[];
  table?: TableView;
  /** What follows the table, such as how many more there are. */
  more?: { text: string; link?: Link };
  empty?: string;
  /** A button that posts. */
  post?: { action: string; label: string; disabled?: boolean; reason?: string };
}

/** What is wrong, by field. */
export interface ProblemView {
  field: string;
  message: string;
}

interface FieldBase {
  name: string;
  label: string;
  hint?: string;
  error?: string;
}

interface Choice {
  value: string;
  label: string;
  hint?: string;
  checked?: boolean;
}

/** A field of a form: the component that shows it, and what it is told. */
export type FieldView =
  | (FieldBase & {
      kind: 'field';
      value: string;
      type?: string;
      mono?: boolean;
      width?: 'short' | 'medium' | 'full';
      maxlength?: number;
      required?: boolean;
      optional?: boolean;
      readonly?: boolean;
      autocomplete?: string;
      inputmode?: string;
      spellcheck?: boolean;
      /** Shown only while the form's choice `passwordChoice` is to choose one. */
      whenChosen?: boolean;
    })
  | (FieldBase & {
      kind: 'textarea';
      value: string;
      rows?: number;
      mono?: boolean;
      optional?: boolean;
      spellcheck?: boolean;
    })
  | (FieldBase & { kind: 'select'; value: string; options: { value: string; label: string }[] })
  | (Omit<FieldBase, 'label'> & { kind: 'radios'; legend: string; options: Choice[] })
  | (Omit<FieldBase, 'label'> & { kind: 'picker'; legend: string; picker: PickerView });

/** Values to search for and tick. */
export interface PickerView {
  search: string;
  /** What was found, in a sentence. */
  summary: string;
  options: Choice[];
}

/** Two versions of a record, field by field. */
export interface ConflictView {
  text: string;
  rows: { field: string; before: string; after: string }[];
}

/** View name → its locals. */
export interface NounViews {
  'admin/noun/list': {
    lead: string;
    create: OfferedLink;
    filters: {
      action: string;
      search: { value: string; label: string };
      selects: {
        name: string;
        label: string;
        value: string;
        options: { value: string; label: string }[];
      }[];
      /** Parameters of the URL that a search keeps. */
      kept: { name: string; value: string }[];
    };
    chips: ChipsView;
    table: TableView | null;
    empty: { text: string; action?: Link; link?: Link };
    pager: PagerView;
    /** A call that somebody tries against the patterns; only on the page of APIs. */
    tried: TriedCall | null;
  };
  'admin/noun/form': {
    action: string;
    /** Version that was read; null for a new record. */
    version: string | null;
    /** What was read, as text, to compare a stale form with. */
    read: string;
    problems: ProblemView[];
    conflict: ConflictView | null;
    fields: FieldView[];
    submit: string;
    cancel: Link;
  };
  'admin/noun/show': {
    head: {
      title: string;
      id?: string;
      idLabel?: string;
      status?: StatusChip;
      actions: (OfferedLink & { key?: 'edit' | 'new' })[];
      menu?: { label: string; items: MenuItem[] };
    };
    sections: SectionView[];
  };
  'admin/noun/confirm': {
    action: string;
    version: string | null;
    problems: ProblemView[];
    /** What happens, and what of it cannot be undone. */
    text: string;
    consequences: string[];
    /** Why it cannot be done now; null where it can. */
    refused: string | null;
    sections: SectionView[];
    /** Null: there is nothing to do but to go back. */
    submit: string | null;
    cancel: Link;
  };
  'admin/noun/secret': {
    text: string;
    secret: { label: string; value: string; hint: string; done: Link };
  };
}

/** A call that was tried against the patterns of the APIs. */
export interface TriedCall {
  /** What was typed, such as `GET /orders/1`. */
  value: string;
  error: string | null;
  /** What the call matches; null where nothing was tried. */
  result: { text: string; matches: boolean; table: TableView | null } | null;
}
