/** "Try a path": which API a call matches, and so which groups let a client make it. */
import { METHODS } from '../../domain/apis/api.ts';
import { pathSegments } from '../../domain/apis/catalog.ts';
import { apiCall } from '../../domain/decision/facts.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { apiTable, callOf } from './api-views.ts';
import type { TriedCall } from './views.ts';

/** The call of `?try=GET+/orders/1`, and what it matches. */
export async function tryCall(call: ConsoleCall): Promise<TriedCall> {
  const { query, services, t } = call;
  const value = (query.get('try') ?? '').trim();
  if (value === '') return { value, error: null, result: null };
  const [method = '', path = '', ...rest] = value.split(/\s+/);
  const isMethod = METHODS.some((known) => known !== '*' && known === method.toUpperCase());
  if (!isMethod || !path.startsWith('/') || rest.length > 0) {
    return { value, error: t('api.try.malformed'), result: null };
  }
  await services.directory.sync();
  const catalog = await services.directory.catalog();
  const { api } = apiCall(catalog, method.toUpperCase(), path);
  if (api === null) {
    const why = pathSegments(path) === null ? 'api.try.ambiguous' : 'api.try.unknown';
    return { value, error: null, result: { text: t(why), matches: false, table: null } };
  }
  const others = catalog.match(method.toUpperCase(), path.split('?', 1)[0] ?? '');
  const holders = catalog.holdersOf(api.apiId);
  const text = t('api.try.matches', {
    api: callOf(api),
    count: holders.length,
    holders: holders.slice(0, 10).join(', '),
    others: others.length - 1,
  });
  return {
    value,
    error: null,
    result: {
      text,
      matches: true,
      table: { ...apiTable(call, others), caption: t('api.try.table') },
    },
  };
}
