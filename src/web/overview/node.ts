/** How this node is: how fast its store answers, since when it runs, and what it was configured with. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConsoleCall } from '../admin/route.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
};

/** What is told of the node. Throws `store_unavailable`, and then no page is shown at all. */
export async function nodeRows({ node, services, formats, t }: ConsoleCall) {
  const asked = performance.now();
  await services.stores.ping();
  const took = performance.now() - asked;
  const stated = (isSo: boolean) => t(isSo ? 'overview.node.set' : 'overview.node.not_set');
  return [
    {
      label: t('overview.node.store'),
      value: t('overview.node.ms', {
        ms: formats.number(Math.max(0.1, Math.round(took * 10) / 10)),
      }),
    },
    { label: t('overview.node.uptime'), value: formats.duration(process.uptime()) },
    { label: t('overview.node.version'), value: version },
    { label: t('overview.node.issuer'), value: services.issuer },
    { label: t('overview.node.proxies'), value: stated(node.trustsProxies) },
    { label: t('overview.node.mail'), value: stated(node.hasMailServer) },
  ];
}
