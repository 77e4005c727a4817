/**
 * The port that every governed noun shares: a versioned record, read by id, listed a page at a time,
 * and written together with its audit event and its entry in the change feed, all or nothing.
 */
import type { AuditEvent } from './audit/audit-event.ts';

/** What every governed record carries. */
export interface Versioned {
  /** 1 at creation, one more at each change. */
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

/** Which page of a list is wanted. */
export interface ListQuery<Filter> {
  /** Words looked for, case-insensitively, in the noun's searchable fields. */
  search?: string;
  filter?: Filter;
  /** Field to sort by; each noun names its own, the first is the default. */
  sort?: { field: string; descending: boolean };
  /** Rows wanted, 1 to 100. */
  limit: number;
  /**
   * `nextCursor` or `previousCursor` of another page of the same list, or `LAST_PAGE`; an unreadable
   * one is `validation_failed`.
   */
  cursor?: string;
}

/** One page of a list. */
export interface Page<T> {
  items: T[];
  /** Pass it back for the next page; null on the last. */
  nextCursor: string | null;
  /** Pass it back for the page before; null on the first. */
  previousCursor: string | null;
  /** Rows on all pages. */
  total: number;
}

/** Storage of one noun. All writes are atomic: record, audit event and change entry, or nothing. */
export interface RecordStore<T extends Versioned, Filter = Record<string, never>> {
  /** The record, or null. */
  find(id: string): Promise<T | null>;
  /** A page in stable order (sort field, then id); keyset paging, so no row is skipped or repeated. */
  list(query: ListQuery<Filter>): Promise<Page<T>>;
  /** Stores a new record. Throws `conflict`, naming the field, where a unique value is taken. */
  insert(record: T, event: AuditEvent): Promise<void>;
  /**
   * Replaces a record whose stored version is `record.version - 1`. Throws `not_found`,
   * `version_conflict` (with the current record) or `conflict`.
   */
  update(record: T, event: AuditEvent): Promise<void>;
  /**
   * Removes a record, with `version` only while it has that one; false when there was none. Throws
   * `version_conflict` (with the current record), or `in_use` where another record names it.
   */
  remove(id: string, event: AuditEvent, version?: number): Promise<boolean>;
}

/** The cursor of the last page of any list. */
export const LAST_PAGE = 'last';

/** Page size when the caller names none. */
export const DEFAULT_PAGE_SIZE = 25;
