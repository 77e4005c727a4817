/** The page that asks how long an old value lives beside its successor; for keys and for secrets. */
import type { Client } from '../../domain/clients/client.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { type ClientHeader, type ClientTab, showClientPage } from '../clients/client-page.ts';
import { type GraceView, graceView } from './grace.ts';
import { type FormProblems, outcomeOf, type SentForm, type Stale } from './security-page.ts';

interface RotationWords {
  heading: string;
  text: string;
  notes: string[];
  /** Hint of the grace period. */
  hint: string;
  action: string;
  cancel: string;
  submit: string;
  /** Of what is rotated, or of its client. */
  version: number;
}

/** The locals of the view. */
export interface RotationLocals extends RotationWords {
  client: ClientHeader;
  grace: GraceView;
  problems: FormProblems;
  stale: Stale | null;
}

/** What is rotated, and what became of the form. */
export interface Rotation extends RotationWords {
  tab: ClientTab;
  sent: SentForm;
}

/** Shows the page; after an overtaken or bad form with what was typed. */
export function showRotation(
  call: ConsoleCall,
  client: Client,
  { tab, sent, ...words }: Rotation,
): Promise<void> {
  const { status, ...told } = outcomeOf(sent, { grace: call.t('security.grace') });
  return showClientPage(call, client, {
    ...{ tab, view: 'admin/security/rotation', title: words.heading },
    crumb: call.t('security.secret.rotate'),
    status,
    locals: {
      ...words,
      grace: graceView(call),
      ...told,
    },
  });
}
