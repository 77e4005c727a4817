/** One decision explained: why was this denied, what would let it pass, and when. */
import type { DecisionRecord } from '../../domain/decision/decision-store.ts';
import { notFound } from '../../domain/errors.ts';
import { type ConsoleCall, type ConsoleRoute, param } from '../admin/route.ts';
import { clientPath } from '../clients/client-path.ts';
import { callInWords, isCall } from './list.ts';
import { fixPath, outcomeChip, outcomeSentence, traceRows } from './trace.ts';

export const decisionShowRoutes: ConsoleRoute[] = [
  { method: 'GET', path: '/admin/decisions/:decisionId', role: 'viewer', handler: showDecision },
];

async function showDecision(call: ConsoleCall): Promise<void> {
  const decisionId = param(call, 'decisionId');
  const { services, formats, t } = call;
  const record = await services.stores.decisions.find(decisionId, formats.now);
  if (record === null) throw notFound('decision of the last 30 days', decisionId);
  await call.show(
    'admin/decisions/show',
    {
      outcome: outcomeChip(call, record.reason),
      sentence: outcomeSentence(call, record.reason),
      facts: factsOf(call, record),
      trace: traceRows(call, record.trace, record.clientId),
      links: linksOf(call, record),
    },
    { title: t('decision.title'), crumb: decisionId, section: 'decisions' },
  );
}

function factsOf(call: ConsoleCall, record: DecisionRecord) {
  const { t, formats } = call;
  const { decisionId, at, clientId, userId, callerId, address, credential, weight } = record;
  const scopes = credential.scopes.join(' ');
  return [
    { label: t('decision.id'), value: decisionId, mono: true, copy: true },
    { label: t('decision.at'), time: formats.instant(at) },
    { label: t('decision.call'), value: callInWords(call, record), mono: isCall(record) },
    { label: t('decision.address'), value: address ?? '', mono: true },
    { label: t('decision.client'), value: clientId ?? '', mono: true },
    { label: t('decision.user'), value: userId ?? '', mono: true },
    {
      label: t('decision.caller'),
      value: callerId ?? t('decision.caller.client'),
      mono: callerId !== null,
    },
    { label: t('decision.credential'), value: t(`decision.credential.${credential.kind}`) },
    { label: t('decision.scopes'), value: scopes, mono: true },
    { label: t('decision.weight'), value: t('decision.weight.calls', { count: weight }) },
    { label: t('decision.kept_until'), time: formats.instant(record.expiresAt) },
  ];
}

function linksOf({ t }: ConsoleCall, record: DecisionRecord) {
  const { clientId, address, method, path, place, grantType, reason } = record;
  const links: { href: string; label: string }[] = [];
  const fix = reason === null ? null : fixPath(reason, clientId);
  if (fix !== null && t.has(`decision.fix.${reason}`))
    links.push({ href: fix, label: t(`decision.fix.${reason}`) });
  if (clientId !== null) {
    const again = new URLSearchParams({ clientId, place: place === 'call' ? 'call' : 'token' });
    for (const [name, value] of Object.entries({ address, method, path, grantType })) {
      if (value !== null) again.set(name, value);
    }
    links.push({ href: `/admin/decisions/simulate?${again}`, label: t('decision.simulate_again') });
    links.push({
      href: clientPath({ clientId }),
      label: t('decision.to_client'),
    });
  }
  return links;
}
