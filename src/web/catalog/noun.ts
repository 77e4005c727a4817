/**
 * The pages that every governed noun but clients shares: list, record, form, deletion. A noun says in
 * a `ConsoleNoun` what sets it apart; `noun-routes.ts` makes its routes. The texts of a noun begin
 * with its `area`, such as `api_group.lead`.
 */
import type { Role } from '../../domain/admins/admin.ts';
import type { ListQuery, Page, Versioned } from '../../domain/records.ts';
import type { Services } from '../../domain/services.ts';
import type { NavSection } from '../admin/nav.ts';
import type { ConsoleCall } from '../admin/route.ts';
import type { StatusChip } from '../clients/client-status.ts';
import type { Cell, FieldView, MenuItem, NounViews, OfferedLink, SectionView } from './views.ts';

/** The texts of a form, by the name of the field; of several values, one a line. */
export type FormValues = Record<string, string>;

/** What sets the pages of one noun apart. */
export interface ConsoleNoun<T extends Versioned> {
  /** File of its messages, and the first part of their keys. */
  area: string;
  section: NavSection;
  /** Path of its list, such as `/admin/api-groups`. */
  path: string;
  /** The least role that changes it. */
  role: Role;
  idOf(record: T): string;
  /** What people call the record. */
  nameOf(record: T): string;
  /** Throws `not_found`. */
  find(services: Services, id: string): Promise<T>;
  list: NounList<T>;
  form: NounForm<T>;
  page: NounPage<T>;
  removal: NounRemoval<T>;
}

/** How a noun is listed. */
export interface NounList<T> {
  /** Fields that the store sorts by. */
  sorts: readonly string[];
  /** The order when none is asked for, such as `name` or `-rank` (descending). */
  sorted: string;
  read(call: ConsoleCall, query: ListQuery<never>): Promise<Page<T>>;
  /** The columns; the first names the record and is `<area>.field.<key>` as all are. */
  columns(call: ConsoleCall, items: readonly T[]): Promise<Column<T>[]>;
  /** Filters of the URL, each with its choices. */
  selects?(call: ConsoleCall): { name: string; options: { value: string; label: string }[] }[];
  /** A call that is tried on the page; see `try-path.ts`. */
  tried?(call: ConsoleCall): Promise<NounViews['admin/noun/list']['tried']>;
  /** Entries of the menu of a row, between those that every noun has. */
  menu?(call: ConsoleCall, record: T): MenuItem[];
}

/** A column of a list. */
export interface Column<T> {
  key: string;
  /** Field of the store; left out: the column cannot be sorted by. */
  sort?: string;
  number?: boolean;
  cell(record: T): Cell;
}

/** The form of a noun. */
export interface NounForm<T> {
  /** The texts of a record, or of a new one; each key is a field that the form sends. */
  show(record: T | null, call: ConsoleCall): FormValues;
  fields(call: ConsoleCall, shown: ShownForm<T>): Promise<FieldView[]>;
  /** Makes the record, then redirects or shows what came of it. Throws what the domain throws. */
  create(call: ConsoleCall, values: FormValues): Promise<void>;
  /** Changes the record. Throws what the domain throws. */
  update(call: ConsoleCall, update: FormUpdate): Promise<Saved<T>>;
  /** Whether the form was sent to search for something in it, not to save it. */
  searches?(form: URLSearchParams): boolean;
  /** A field's text for people, in the comparison of two versions. Default: the text itself. */
  words?(call: ConsoleCall, field: string, value: string): Promise<string>;
}

/** What a form shows. */
export interface ShownForm<T> {
  /** Null for a new one. */
  record: T | null;
  values: FormValues;
  /** What is wrong, by the name of the field. */
  errors: Readonly<Record<string, string>>;
}

/** A change that a form asks for. */
export interface FormUpdate {
  id: string;
  version: number;
  values: FormValues;
}

/** A record after a change. */
export interface Saved<T> {
  record: T;
  /** Default: that it was saved. */
  flash?: string;
}

/** The page of a record. */
export interface NounPage<T> {
  status?(call: ConsoleCall, record: T): StatusChip;
  /** Links and menu beside the name, besides editing and deleting. */
  actions?(call: ConsoleCall, record: T): OfferedLink[];
  sections(call: ConsoleCall, record: T): Promise<SectionView[]>;
}

/** How a record is deleted. */
export interface NounRemoval<T> {
  /** What ends with the record, in sentences with numbers. */
  consequences?(call: ConsoleCall, record: T): Promise<string[]>;
  /** Who uses the record, and in a sentence why it therefore stays; null when it can go. */
  usedBy(
    call: ConsoleCall,
    record: T,
  ): Promise<{ sections: SectionView[]; refused: string | null }>;
  remove(call: ConsoleCall, id: string, version: number): Promise<unknown>;
}

/** Path of a record, or of something below it. */
export function recordPath(listPath: string, id: string, below = ''): string {
  // A record may be named as the page that creates one is.
  const segment = id === 'new' ? '%6Eew' : encodeURIComponent(id);
  return `${listPath}/${segment}${below}`;
}
