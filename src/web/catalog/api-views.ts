/** APIs as people read them. */
import type { Api } from '../../domain/apis/api.ts';
import type { Services } from '../../domain/services.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { recordPath } from './noun.ts';
import type { TableView } from './views.ts';

/** An API as people write it, such as `GET /orders/:id`. */
export function callOf({ method, path }: { method: string; path: string }): string {
  return `${method} ${path}`;
}

/** Order of APIs for people: by path, then by method. */
export function byPath(a: Api, b: Api): number {
  if (a.path === b.path) return a.method < b.method ? -1 : 1;
  return a.path < b.path ? -1 : 1;
}

/** The APIs of these ids, in order; ids without an API are left out. */
export async function apisById(
  { stores }: Pick<Services, 'stores'>,
  ids: readonly string[],
): Promise<Api[]> {
  if (ids.length === 0) return [];
  const wanted = new Set(ids);
  return (await stores.apis.all()).filter(({ apiId }) => wanted.has(apiId)).sort(byPath);
}

/** A table of APIs. */
export function apiTable({ t }: Pick<ConsoleCall, 't'>, apis: readonly Api[]): TableView {
  return {
    caption: t('nav.apis'),
    columns: [{ label: t('api.field.path') }, { label: t('api.field.name') }],
    rows: apis.map((api) => ({
      cells: [
        { name: { label: callOf(api), href: recordPath('/admin/apis', api.apiId) }, mono: true },
        { text: api.name },
      ],
    })),
  };
}
