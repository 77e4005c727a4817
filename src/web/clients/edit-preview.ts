/** What a change would do, told before it is made: calls of the last day that would end otherwise, groups that would go. */
import type { Client } from '../../domain/clients/client.ts';
import type { Removed } from '../../domain/clients/client-references.ts';
import { type Difference, replay } from '../../domain/decision/replay.ts';
import type { ConsoleCall } from '../admin/route.ts';
import type { ClientViews, PreviewView } from './views.ts';

/** Calls that are shown one by one. */
const SHOWN = 10;

/** The last day, replayed against a change. */
export async function previewOf(
  call: ConsoleCall,
  before: Client,
  after: Client,
): Promise<PreviewView> {
  const { services, formats, t } = call;
  await services.directory.sync();
  const replayed = await replay(services, before, after);
  const { refused, allowed, nowRefused, nowAllowed, differences } = replayed;
  return {
    notice:
      refused + allowed === 0
        ? { tone: 'info', text: t('client.preview.nothing') }
        : {
            tone: nowRefused > 0 ? 'warning' : 'good',
            heading: t('client.preview.refused', {
              count: nowRefused,
              reasons: reasonsOf(differences),
            }),
            items: [
              ...(nowAllowed > 0 ? [t('client.preview.allowed_again', { count: nowAllowed })] : []),
              t('client.preview.replayed', { refused, allowed }),
            ],
          },
    caption: t('client.preview.caption', { shown: Math.min(SHOWN, differences.length) }),
    calls: differences.slice(0, SHOWN).map((one) => ({
      at: formats.instant(one.at),
      call: one.method === null ? t('client.preview.no_call') : `${one.method} ${one.path ?? ''}`,
      address: one.address ?? t('common.none'),
      before: one.before ?? t('client.preview.allowed'),
      after: one.after ?? t('client.preview.allowed'),
      href: `/admin/decisions/${encodeURIComponent(one.decisionId)}`,
    })),
  };
}

/** Reason codes of the calls that would newly be refused, the most frequent first. */
function reasonsOf(differences: readonly Difference[]): string {
  const counts = new Map<string, number>();
  for (const { before, after } of differences) {
    if (before === null && after !== null) counts.set(after, (counts.get(after) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.map(([reason]) => reason).join(', ');
}

/** What a change takes away besides, to be agreed to; null where it takes nothing. */
export function removalOf(
  { t }: Pick<ConsoleCall, 't'>,
  { apiGroups, apiScopes }: Removed,
): ClientViews['admin/clients/edit']['removes'] {
  const names = [...apiGroups, ...apiScopes];
  if (names.length === 0) return null;
  return {
    names: names.join(' '),
    notice: {
      tone: 'warning',
      heading: t('client.edit.removes', { groups: apiGroups.length, scopes: apiScopes.length }),
      items: names,
    },
  };
}
