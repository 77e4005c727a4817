/** Every component in every state, on one page: where the look is settled. Not mounted in production. */
import type { ConsoleCall, ConsoleRoute } from './route.ts';
import { SAMPLES } from './styleguide-samples.ts';

export const styleguideRoutes: ConsoleRoute[] = [
  { method: 'GET', path: '/admin/styleguide', role: 'viewer', handler: showStyleguide },
];

async function showStyleguide(call: ConsoleCall): Promise<void> {
  const { show, t } = call;
  await show('admin/styleguide', { samples: SAMPLES }, { title: t('styleguide.title') });
}
