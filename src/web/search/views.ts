/** Locals of the search over everything. */
import type { FieldProblem } from '../../domain/errors.ts';
import type { StatusChip } from '../clients/client-status.ts';

/** Something that was found. */
export interface HitView {
  label: string;
  href: string;
  /** What tells it from others, such as its id. */
  about: string;
  status: StatusChip | null;
  /** Whether its id is what was searched for. */
  isExact: boolean;
}

/** What was found of one noun. */
export interface HitGroup {
  title: string;
  hits: HitView[];
  /** The rest: a link where a list shows them, else words alone. */
  more: { label: string; href: string | null } | null;
}

export interface SearchViews {
  'admin/search': {
    words: string;
    problems: FieldProblem[];
    /** Groups with something in them. */
    groups: HitGroup[];
    /** What is said where nothing was found, or nothing searched for. */
    empty: { text: string; link?: { href: string; label: string } } | null;
  };
}
