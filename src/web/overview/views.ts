/** Locals of the overview. */

/** A link with its words. */
export interface Link {
  href: string;
  label: string;
}

/** The component `bars`. */
export interface BarsView {
  caption: string;
  rows: { label: string; value: number; text: string; href: string }[];
}

/** Something to look after: how many there are, and the first of them. */
export interface AttentionRow {
  label: string;
  /** The list of them; null where no list shows them all. */
  href: string | null;
  count: string;
  first: (Link & { about: string })[];
}

/** A step of the first run. */
export interface SetUpStep extends Link {
  isDone: boolean;
}

export interface OverviewViews {
  'admin/overview': {
    attention: AttentionRow[];
    clients: BarsView;
    decisions: {
      periods: (Link & { current: boolean })[];
      /** Allowed calls and refusals, in a sentence each. */
      allowed: string;
      refused: string;
      reasons: BarsView | null;
      callers: BarsView | null;
    };
    /** Null once each step is done, and for admins who cannot do them. */
    setUp: { title: string; isOpen: boolean; steps: SetUpStep[] } | null;
    node: { label: string; value: string }[];
  };
}
