/** Every view and the locals that it takes. */
import type { FieldProblem } from '../domain/errors.ts';

/** A form that sets a password behind a link. */
export interface PasswordForm {
  heading: string;
  explanation: string;
  /** Where the form goes. */
  action: string;
  /** Token of the link. */
  token: string;
  submit: string;
  problems: FieldProblem[];
}

/** A value that is shown once. */
export interface ShownOnce {
  heading: string;
  explanation: string;
  label: string;
  value: string | null;
}

/** A row of the page of codes. */
export interface CodeRow {
  code: string;
  status: number;
  title: string;
}

/** View name → its locals. */
export interface Views {
  'password-form': PasswordForm;
  'shown-once': ShownOnce;
  errors: { reasons: CodeRow[]; errors: CodeRow[] };
  message: { heading: string; text: string };
}
