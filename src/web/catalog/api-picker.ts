/**
 * The APIs of a group or scope in its form: ticked among those that a search finds, or typed, one a
 * line, and then made where they do not exist yet.
 */
import { type Api, newApi } from '../../domain/apis/api.ts';
import { createApi } from '../../domain/apis/manage-apis.ts';
import { type FieldProblem, invalid } from '../../domain/errors.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { byPath, callOf } from './api-views.ts';
import type { PickerView } from './views.ts';

/** APIs that are offered beside those that are ticked. */
const OFFERED_MOST = 50;
const MOST_LINES = 1000;
/** APIs that the text after a change names. */
const NAMED_MOST = 5;
/** Bad lines that are told at once. */
const TOLD_MOST = 10;

/** What the picker shows: what is ticked, then what the search finds. */
export async function pickerOf(call: ConsoleCall, ticked: string): Promise<PickerView> {
  const { form, services, t } = call;
  const search = (form.get('apis.search') ?? '').replaceAll('\0', '').trim();
  const all = (await services.stores.apis.all()).sort(byPath);
  const ids = new Set(ticked.split('\n'));
  const words = search.toLowerCase().split(/\s+/);
  const isFound = (api: Api) => {
    const text = `${callOf(api)} ${api.name}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const held = all.filter(({ apiId }) => ids.has(apiId));
  const found = all.filter((api) => !ids.has(api.apiId) && isFound(api));
  const offered = found.slice(0, OFFERED_MOST);
  const hidden = found.length - offered.length;
  return {
    search,
    summary: t('noun.picker.summary', { ticked: held.length, offered: offered.length, hidden }),
    options: [
      ...held.map((api) => ({ ...optionOf(api), checked: true })),
      ...offered.map((api) => ({ ...optionOf(api), checked: false })),
    ],
  };
}

function optionOf(api: Api) {
  return { value: api.apiId, label: callOf(api), ...(api.name !== '' && { hint: api.name }) };
}

/** Whether a form was sent to search for APIs: by the button, or by Enter after other words were typed. */
export function searchesApis(form: URLSearchParams): boolean {
  if (form.has('save')) return false;
  const [search, searched] = [form.get('apis.search') ?? '', form.get('apis.searched') ?? ''];
  return form.has('apis.find') || search.trim() !== searched;
}

/** An API that was typed. */
interface TypedApi {
  /** Null: no such API exists yet. */
  known: Api | null;
  input: ReturnType<typeof newApi.parse>;
}

/** The APIs that lines such as `GET /orders/:id` name. Throws `validation_failed` naming each bad line. */
export async function typedApis(call: ConsoleCall, text: string): Promise<TypedApi[]> {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0) return [];
  const problems: FieldProblem[] = [];
  const refuse = (message: string) =>
    problems.push({ field: 'newApis', code: 'malformed', message });
  if (lines.length > MOST_LINES) refuse(call.t('noun.typed.too_many', { count: MOST_LINES }));
  const all = await call.services.stores.apis.all();
  const byCall = new Map(all.map((api) => [callOf(api), api]));
  const typed = new Map<string, TypedApi>();
  for (const line of lines.slice(0, MOST_LINES)) {
    const [method = '', path = '', ...name] = line.trim().split(/\s+/);
    const input = { method: method.toUpperCase(), path, name: name.join(' ') };
    const known = byCall.get(callOf(input)) ?? null;
    const parsed = newApi.safeParse(input);
    if (parsed.success) typed.set(callOf(input), { known, input: parsed.data });
    else refuse(call.t('noun.typed.malformed', { line: line.trim() }));
  }
  if (problems.length > 0) throw invalid(problems.slice(0, TOLD_MOST));
  return [...typed.values()];
}

/** Makes the typed APIs that do not exist; answers the ids of all, and what was made. */
export async function makeApis(
  { actor, services }: ConsoleCall,
  typed: readonly TypedApi[],
): Promise<{ ids: string[]; made: Api[] }> {
  const ids: string[] = [];
  const made: Api[] = [];
  for (const { known, input } of typed) {
    const api = known ?? (await createApi(services, actor, input));
    if (known === null) made.push(api);
    ids.push(api.apiId);
  }
  return { ids, made };
}

/** What was made, for the text that follows a change. */
export function madeInWords({ t }: Pick<ConsoleCall, 't'>, made: readonly Api[]): string {
  if (made.length === 0) return '';
  const shown = made.slice(0, NAMED_MOST);
  const apis = shown.map(callOf).join(', ');
  const more = made.length - shown.length;
  return ` ${t('noun.typed.made', { count: made.length, apis, more })}`;
}
