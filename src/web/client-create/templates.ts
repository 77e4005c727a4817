/** Starting points of a new client: what is filled in before anybody types. */
import type { ShownClient } from '../forms/client-form.ts';

/** What a template sets; the rest are the defaults. */
type Template = Partial<ShownClient>;

const MINUTE = 60;
const DAY = 24 * 3600;

export const TEMPLATES = {
  blank: {},
  partner_back_end: {
    audience: 'external',
    apiQuota: { calls: 10_000, period: 'day' },
    accessToken: { lifetimeSeconds: 60 * MINUTE, maxUses: 0 },
  },
  internal_job: {
    audience: 'internal',
    tps: 5,
    priority: 7,
    accessToken: { lifetimeSeconds: 15 * MINUTE, maxUses: 0 },
  },
  mobile_app: {
    audience: 'external',
    tps: 50,
    grantTypes: ['password', 'refresh_token'],
    accessToken: { lifetimeSeconds: 15 * MINUTE, maxUses: 0 },
    refreshToken: { lifetimeSeconds: 30 * DAY, maxUses: 0 },
  },
  resource_server: { kind: 'resource_server', audience: 'both', tps: 0, grantTypes: [] },
} as const satisfies Record<string, Template>;

export type TemplateName = keyof typeof TEMPLATES;

/** The template of a name; the blank one for any other. */
export function templateOf(name: string | null): { name: TemplateName; client: Template } {
  const known = name !== null && Object.hasOwn(TEMPLATES, name);
  const found = known ? (name as TemplateName) : 'blank';
  return { name: found, client: TEMPLATES[found] };
}
