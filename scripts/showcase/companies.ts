/** Invented companies and the clients that each has: what a partner programme of some size looks like. */
import type { NewClient } from '../../src/domain/clients/client-input.ts';

/** A line of business, with the API groups that its clients call. */
type Trade = 'bank' | 'retail' | 'logistics';

/** What a client is for; the groups are those of `catalog.ts`. */
interface Task {
  name: string;
  does: string;
  groups: readonly string[];
  level: string;
}

const TASKS: Record<Trade, readonly Task[]> = {
  bank: [
    {
      name: 'payments',
      does: 'Initiates payments that customers confirmed, and reads their state',
      groups: ['payments.initiate', 'payments.read'],
      level: 'A',
    },
    {
      name: 'statements',
      does: 'Fetches account statements every night',
      groups: ['statements.read', 'partners.profile'],
      level: 'B',
    },
    {
      name: 'onboarding',
      does: 'Checks new customers before an account is opened',
      groups: ['onboarding.check', 'partners.profile'],
      level: 'A',
    },
  ],
  retail: [
    {
      name: 'orders',
      does: 'Sends orders from the shop and reads what became of them',
      groups: ['orders.read', 'orders.write', 'stock.read'],
      level: 'C',
    },
    {
      name: 'stock',
      does: 'Mirrors stock levels into the shop every ten minutes',
      groups: ['stock.read'],
      level: 'SYSTEM',
    },
    {
      name: 'returns',
      does: 'Announces returns and prints their labels',
      groups: ['returns.manage', 'orders.read'],
      level: 'C',
    },
  ],
  logistics: [
    {
      name: 'tracking',
      does: 'Reports where parcels are',
      groups: ['tracking.read', 'tracking.report'],
      level: 'C',
    },
    {
      name: 'customs',
      does: 'Declares goods at the border',
      groups: ['customs.declare', 'tracking.read'],
      level: 'B',
    },
    {
      name: 'rates',
      does: 'Quotes and books freight',
      groups: ['rates.read', 'rates.book'],
      level: 'SYSTEM',
    },
  ],
};

type Company = readonly [name: string, slug: string, trade: Trade, zone: string];

const COMPANIES: readonly Company[] = [
  ['Corvale Bank', 'corvale', 'bank', 'Europe/Zurich'],
  ['Pellgrove Grocers', 'pellgrove', 'retail', 'Europe/Berlin'],
  ['Nordhavn Freight', 'nordhavn', 'logistics', 'Europe/Copenhagen'],
  ['Tessaria Savings', 'tessaria', 'bank', 'Europe/Rome'],
  ['Lumora Fashion', 'lumora', 'retail', 'Europe/Paris'],
  ['Saltmarsh Shipping', 'saltmarsh', 'logistics', 'Europe/London'],
  ['Haldric Credit', 'haldric', 'bank', 'Europe/Oslo'],
  ['Brightmere Foods', 'brightmere', 'retail', 'Europe/Dublin'],
  ['Redkite Couriers', 'redkite', 'logistics', 'Europe/London'],
  ['Aurivo Payments', 'aurivo', 'bank', 'Asia/Singapore'],
  ['Tamarind Home', 'tamarind', 'retail', 'Asia/Taipei'],
  ['Orrery Air Cargo', 'orrery', 'logistics', 'Asia/Tokyo'],
  ['Quillmark Insurance', 'quillmark', 'bank', 'Europe/Amsterdam'],
  ['Vellora Pharmacy', 'vellora', 'retail', 'Europe/Vienna'],
  ['Marlbridge Warehousing', 'marlbridge', 'logistics', 'Europe/Warsaw'],
  ['Northmoor Mutual', 'northmoor', 'bank', 'America/Toronto'],
  ['Opaline Books', 'opaline', 'retail', 'Europe/Lisbon'],
  ['Tideway Ports', 'tideway', 'logistics', 'Europe/Amsterdam'],
  ['Sunfold Markets', 'sunfold', 'bank', 'America/New_York'],
  ['Papercrane Toys', 'papercrane', 'retail', 'Asia/Tokyo'],
];

/** The clients of all companies, as a partner desk would have entered them: 60. */
export function companyClients(): (NewClient & { clientId: string })[] {
  return COMPANIES.flatMap((company, index) =>
    TASKS[company[2]].map((task, at) => clientOf(company, task, index * 3 + at)),
  );
}

function clientOf([name, slug, trade, zone]: Company, task: Task, number: number) {
  const clientId = `${slug}-${task.name}`;
  return {
    clientId,
    clientName: clientId,
    displayName: `${name} ${task.name}`,
    applicationNo: `APP-${2031 + (number % 4)}-${String(400 + number * 17).padStart(5, '0')}`,
    description: `${task.does}.`,
    note: `${trade} programme, wave ${1 + (number % 3)}`,
    emails: [`api-${task.name}@${slug}.example`],
    ipBindings: [
      { hostName: `egress.${slug}.example`, address: `198.51.100.${10 + number}` },
      ...(number % 4 === 0 ? [{ hostName: '', address: `2001:db8:${number + 16}::/48` }] : []),
    ],
    timeZone: number % 2 === 0 ? zone : null,
    audience: number % 5 === 0 ? ('both' as const) : ('external' as const),
    environment: number % 9 === 4 ? ('testing' as const) : ('production' as const),
    securityLevel: task.level,
    apiGroups: [...task.groups],
    apiQuota: QUOTAS[number % QUOTAS.length] ?? QUOTAS[0],
    tps: number % 6 === 1 ? 0 : 10 * (1 + (number % 5)),
    priority: [5, 5, 3, 7, 5, 1][number % 6] ?? 5,
  } satisfies NewClient;
}

const QUOTAS: readonly [Quota, ...Quota[]] = [
  { calls: 5000, period: 'day' },
  { calls: 200_000, period: 'month' },
  { calls: 0, period: 'day' },
  { calls: 800, period: 'day' },
  { calls: 25_000, period: 'week' },
];

interface Quota {
  calls: number;
  period: 'day' | 'week' | 'month' | 'total';
}
