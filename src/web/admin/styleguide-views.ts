/** The locals of the page of components. */
import type { SAMPLES } from './styleguide-samples.ts';

/** View name → its locals. */
export interface StyleguideViews {
  'admin/styleguide': { samples: typeof SAMPLES };
}
