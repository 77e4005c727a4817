/** Clients as a partner programme has them: names, dates, limits and notes that differ as real ones do. */
import { CLIENT_DEFAULTS, type Client, UNLOCKED } from '../../src/domain/clients/client.ts';
import { plusSeconds } from '../../src/domain/clock.ts';

const DAY = 86_400;
const CITIES = ['Taipei', 'Osaka', 'Lyon', 'Porto', 'Quito', 'Tartu', 'Leeds', 'Busan', 'Accra'];
const TRADES = [
  'Freight',
  'Logistics',
  'Pharmacy',
  'Insurance',
  'Bank',
  'Market',
  'Clinic',
  'Travel',
];
const TASKS = ['orders', 'billing', 'stock', 'claims', 'returns', 'prices', 'tracking'];
const LEVELS = ['SYSTEM', 'A', 'B', 'C', 'D'];

/** API groups that these clients hold. */
export const GROUPS: readonly string[] = Array.from(
  { length: 200 },
  (_, i) => `${TASKS[i % 7]}.v${i}`,
);

/** A word that one client's note has. */
export const RARE_WORD = 'zeppelin';
/** A word that every client's note has. */
export const COMMON_WORD = 'partner';

/** Numbers that only look random, so that two runs make the same clients. */
function sequence(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const pick = <T>(values: readonly T[], number: number) => values[number % values.length] as T;

/**
 * The client of a number.
 *
 * @param now the clients were made within two years before it
 */
export function clientNumber(i: number, now: Date): Client {
  const below = sequence(i);
  const [city, trade, task] = [pick(CITIES, below(99)), pick(TRADES, below(99)), pick(TASKS, i)];
  const domain = `${trade}-${city}`.toLowerCase();
  const createdAt = plusSeconds(now, -below(730 * DAY));
  const fate = below(100);
  return {
    ...structuredClone(CLIENT_DEFAULTS as unknown as Client),
    clientId: `c-${(i * 7919 + 104_729).toString(36)}-${below(1e9).toString(36)}`,
    clientName: `${domain}-${task}-${i}`,
    displayName: `${city} ${trade} ${i}, ${task}`,
    applicationNo: `APP-${2024 + below(3)}-${String(i).padStart(6, '0')}`,
    description: `Reads ${task} for ${city} ${trade} every night.`,
    note: `${COMMON_WORD} of ${city}${i === 4242 ? `, ${RARE_WORD}` : ''}; call the ${task} desk first`,
    emails: [`ops${i}@${domain}.example`, `it@${domain}.example`],
    ipBindings: [
      {
        hostName: `gw${below(50)}.${domain}.example`,
        address: `198.18.${below(256)}.${below(256)}`,
      },
      {
        hostName: '',
        address: `2001:db8:${below(65_536).toString(16)}::${below(4096).toString(16)}`,
      },
    ],
    ...{ audience: pick(['internal', 'external', 'both'] as const, below(99)) },
    ...{ environment: pick(['production', 'testing', 'development'] as const, below(5)) },
    kind: below(50) === 0 ? 'resource_server' : 'partner',
    securityLevel: pick(LEVELS, below(99)),
    apiGroups: [
      ...new Set([pick(GROUPS, below(200)), pick(GROUPS, below(40)), pick(GROUPS, below(8))]),
    ],
    apiQuota: { calls: below(3) === 0 ? 0 : 1000 * (1 + below(50)), period: 'day' },
    startsAt: fate === 1 ? plusSeconds(now, (1 + below(30)) * DAY) : null,
    expiresAt: fate >= 2 && fate < 7 ? plusSeconds(now, -below(90) * DAY) : expiry(below, now),
    status: fate >= 7 && fate < 12 ? 'disabled' : 'enabled',
    lock:
      fate === 0
        ? { failedLogins: 3, lockedAt: plusSeconds(now, -below(DAY)), failures: [] }
        : UNLOCKED,
    secrets: [
      {
        ...{ secretId: `s-${i}`, label: 'password', kind: 'generated' as const },
        ...{ hash: `${i}`.padStart(43, 'x'), createdAt, expiresAt: null },
      },
    ],
    ...{ version: 1, createdAt, updatedAt: createdAt },
  };
}

/** Half of the clients have no end; the others end within a year and a half from a month on. */
function expiry(below: (limit: number) => number, now: Date): Date | null {
  return below(2) === 0 ? null : plusSeconds(now, (40 + below(500)) * DAY);
}
