/** Every view and the locals that it takes. */

import type { FieldProblem } from '../domain/errors.ts';
import type { AccountViews } from './account/views.ts';
import type { SentAlreadyLocals } from './admin/once.ts';
import type { StyleguideViews } from './admin/styleguide-views.ts';
import type { AuditViews } from './audit/views.ts';
import type { NounViews } from './catalog/views.ts';
import type { ClientCreateViews } from './client-create/views.ts';
import type { ClientListViews } from './clients/list-views.ts';
import type { ClientViews } from './clients/views.ts';
import type { DecisionViews } from './decisions/views.ts';
import type { MailViews } from './mails/views.ts';
import type { OverviewViews } from './overview/views.ts';
import type { SearchViews } from './search/views.ts';
import type { SecurityViews } from './security/views.ts';
import type { SignInViews } from './sign-in/views.ts';

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
  /** Where to go from here. */
  link?: { href: string; label: string };
}

/** A row of the page of codes. */
export interface CodeRow {
  code: string;
  status: number;
  title: string;
}

/** View name → its locals; each area of the console joins its own. */
export interface Views
  extends AuditViews,
    ClientCreateViews,
    DecisionViews,
    MailViews,
    StyleguideViews,
    AccountViews,
    ClientListViews,
    ClientViews,
    NounViews,
    OverviewViews,
    SearchViews,
    SignInViews,
    SecurityViews {
  'admin/error': {
    text: string | null;
    /** Code of the error, which a page explains. */
    code: string | null;
    requestId: string;
  };
  'admin/sent-already': SentAlreadyLocals;
  'password-form': PasswordForm;
  'shown-once': ShownOnce;
  errors: { reasons: CodeRow[]; errors: CodeRow[] };
  message: { heading: string; text: string };
}
