/** Locals of the pages that create a client. */
import type { ChooseLocals } from './choose.ts';
import type { CopyLocals } from './copy.ts';
import type { CreatedLocals } from './created.ts';
import type { OnePageLocals } from './one-page.ts';
import type { ReviewLocals } from './review.ts';
import type { WizardLocals } from './wizard.ts';

/** View name → its locals. */
export interface ClientCreateViews {
  'admin/clients/create/choose': ChooseLocals;
  'admin/clients/create/copy': CopyLocals;
  'admin/clients/create/created': CreatedLocals;
  'admin/clients/create/one-page': OnePageLocals;
  'admin/clients/create/review': ReviewLocals;
  'admin/clients/create/wizard': WizardLocals;
}
