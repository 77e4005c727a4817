/** Locals of the pages of decisions. */
import type { StatusChip } from '../clients/client-status.ts';
import type { TimeView } from '../formats.ts';
import type { ChipsView, PagerView } from '../lists.ts';

/** A decision in the list. */
export interface DecisionRow {
  href: string;
  at: TimeView;
  outcome: StatusChip;
  client: { label: string; href: string | null };
  /** Method and path, or what was asked for. */
  call: string;
  /** Whether method and path are known. */
  isCall: boolean;
  address: string | null;
}

/** A row of the trace. */
export interface TraceRow {
  check: string;
  outcome: StatusChip;
  seen: string;
  wanted: string;
  /** Whether both are addresses, ids or names. */
  isCode: boolean;
  /** When time alone makes it pass. */
  passes: TimeView | null;
  /** Where to change what refused. */
  fix: { href: string; label: string } | null;
}

export interface SimulationForm {
  /** What was entered, by field. */
  values: Record<string, string>;
  /** What is wrong, by field. */
  errors: Record<string, string>;
}

export interface DecisionViews {
  'admin/decisions/list': {
    filter: {
      values: Record<string, string>;
      reasons: { value: string; label: string }[];
      outcomes: { value: string; label: string }[];
    };
    chips: ChipsView;
    rows: DecisionRow[];
    pager: PagerView;
  };
  'admin/decisions/show': {
    outcome: StatusChip;
    sentence: string;
    facts: { label: string; value?: string; time?: TimeView; mono?: boolean; copy?: boolean }[];
    trace: TraceRow[];
    /** Acts that follow from the refusal. */
    links: { href: string; label: string }[];
  };
  'admin/decisions/simulate': {
    form: SimulationForm;
    problems: { field: string; message: string }[];
    places: { value: string; label: string }[];
    methods: { value: string; label: string }[];
    /** Zone that the moment is read in. */
    zone: string;
    grantTypes: { value: string; label: string }[];
    result: { outcome: StatusChip; sentence: string; trace: TraceRow[] } | null;
  };
}
