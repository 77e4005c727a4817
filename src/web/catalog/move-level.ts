/** Moving a security level one place up or down: it gets a rank between those of its new neighbours. */
import {
  findSecurityLevel,
  updateSecurityLevel,
} from '../../domain/apis/manage-security-levels.ts';
import type { SecurityLevel } from '../../domain/apis/security-level.ts';
import { type ConsoleCall, type ConsoleRoute, param } from '../admin/route.ts';
import { submit, versionOf } from '../admin/submit.ts';
import { recordPath } from './noun.ts';

const PATH = '/admin/security-levels';
/** Ranks between one level and the next, where a level becomes the first or the last. */
const STEP = 100;
const HIGHEST = 1_000_000;

export const moveLevelRoutes: ConsoleRoute[] = [
  { method: 'POST', path: `${PATH}/:id/move`, role: 'security', handler: moveLevel },
];

async function moveLevel(call: ConsoleCall): Promise<void> {
  const { actor, form, services, t } = call;
  const level = await findSecurityLevel(services, param(call, 'id'));
  const { name } = level;
  const direction = form.get('direction') === 'up' ? 'up' : 'down';
  const version = versionOf(form);
  const rank = rankBeside(level, await services.stores.securityLevels.all(), direction);
  if (rank === 'outermost')
    return call.redirect(PATH, t(`security_level.outermost.${direction}`, { name }));
  const toForm = () =>
    call.redirect(recordPath(PATH, name, '/edit'), t('security_level.no_room', { name }));
  if (rank === 'no_room') return toForm();
  await submit({
    async change() {
      await updateSecurityLevel(services, actor, { id: name, version, patch: { rank } });
      call.redirect(PATH, t(`security_level.moved.${direction}`, { name, rank }));
    },
    // Somebody gave the rank to another level meanwhile, or changed this one: look again.
    again: async () => toForm(),
    stale: async () => call.redirect(PATH, t('security_level.move.stale', { name })),
  });
}

/** The rank one place further: between the next level and the one after it. */
export function rankBeside(
  { rank }: Pick<SecurityLevel, 'rank'>,
  levels: readonly Pick<SecurityLevel, 'rank'>[],
  direction: 'up' | 'down',
): number | 'outermost' | 'no_room' {
  const sign = direction === 'up' ? 1 : -1;
  const [next, after] = levels
    .map((level) => level.rank)
    .filter((other) => (other - rank) * sign > 0)
    .sort((a, b) => (a - b) * sign);
  if (next === undefined) return 'outermost';
  const end = direction === 'up' ? HIGHEST : 0;
  if (after === undefined && next === end) return 'no_room';
  const beyond = direction === 'up' ? Math.min(end, next + STEP) : Math.max(end, next - STEP);
  if (after === undefined) return beyond;
  const between = Math.floor((next + after) / 2);
  return Math.abs(after - next) < 2 ? 'no_room' : between;
}
