/** The tab "Token settings": grant types, both lifetimes and use counts, redirect URLs. */
import type { Client } from '../../domain/clients/client.ts';
import { type ConsoleCall, type ConsoleRoute, roleNeeded } from '../admin/route.ts';
import { type ClientHeader, showClientPage } from '../clients/client-page.ts';
import type { ClientForm } from '../forms/client-form-view.ts';
import { type SectionTab, type ShownSection, saveSection, showSection } from './section-tab.ts';
import type { Stale } from './security-page.ts';

/** The locals of the view. */
export interface TokenSettingsLocals {
  client: ClientHeader;
  form: ClientForm;
  /** What lifetime and uses mean together, as they are stored. */
  meaning: { label: string; value: string }[];
  stale: Stale | null;
  reason: string | undefined;
}

const PATH = '/admin/clients/:clientId/token-settings';

const TAB: SectionTab = { section: 'tokens', path: '/token-settings', show: showTab };

export const tokenSettingRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'viewer', handler: showTokenSettings },
  { method: 'POST', path: PATH, role: 'operator', handler: saveTokenSettings },
];

function showTokenSettings(call: ConsoleCall): Promise<void> {
  return showSection(call, TAB);
}

function saveTokenSettings(call: ConsoleCall): Promise<void> {
  return saveSection(call, TAB);
}

function showTab(call: ConsoleCall, { client, form, stale, status }: ShownSection): Promise<void> {
  return showClientPage(call, client, {
    ...{ tab: 'token_settings', view: 'admin/security/token-settings', status },
    locals: { form, stale, meaning: meaningOf(call, client), reason: roleNeeded(call, 'operator') },
  });
}

function meaningOf(call: ConsoleCall, client: Client): TokenSettingsLocals['meaning'] {
  const { t } = call;
  const refreshes = client.grantTypes.includes('refresh_token');
  return (['accessToken', 'refreshToken'] as const).map((field) => ({
    label: t(`security.${field}`),
    value:
      field === 'refreshToken' && !refreshes
        ? t('security.refreshToken.none')
        : limitsText(call, field, client[field]),
  }));
}

function limitsText(
  { t, formats }: ConsoleCall,
  field: 'accessToken' | 'refreshToken',
  { lifetimeSeconds, maxUses }: Client['accessToken'],
): string {
  const values = { period: formats.duration(lifetimeSeconds), count: maxUses };
  return t(`security.${field}.${maxUses === 0 ? 'unlimited' : 'limited'}`, values);
}
