/** What a client can hold, as a form offers it: levels, and the groups and scopes of its level and audience. */
import type { Catalog } from '../../domain/apis/catalog.ts';
import { CLIENT_DEFAULTS } from '../../domain/clients/client.ts';
import type { ShownClient } from './client-form.ts';
import type { FormCall } from './client-form-view.ts';
import type { FormValues } from './field-kinds.ts';

/** Something that can be chosen. */
export interface Option {
  value: string;
  label: string;
  hint?: string;
  checked?: boolean;
  disabled?: boolean;
}

/** Names to tick, and the lines of a text area where there are too many to show. */
export interface Tickable {
  options: Option[];
  /** Null where everything that can be held is among the options. */
  more: string | null;
  /** Names that can be held. */
  count: number;
}

export interface HoldingOptions {
  securityLevel: Option[];
  apiGroups: Tickable;
  apiScopes: Tickable;
  servedApiGroups: Tickable;
}

type Held = Pick<ShownClient, 'securityLevel' | 'audience'>;

/** Names that a list of ticks has at most; beyond, only what is held is shown, and the rest is typed. */
const MOST_TICKS = 60;
/** Held names that are shown as ticks at most; beyond, they too are lines of the text area. */
const MOST_HELD = 200;

/** What the form offers at the level and for the audience that it names, or else those of the client. */
export async function holdingOptions(
  { services, t }: Pick<FormCall, 'services' | 't'>,
  values: FormValues,
  client: Held = {},
): Promise<HoldingOptions> {
  await services.directory.sync();
  const catalog = await services.directory.catalog();
  const holder = {
    securityLevel: values['securityLevel'] || client.securityLevel || CLIENT_DEFAULTS.securityLevel,
    audience: (values['audience'] || client.audience || CLIENT_DEFAULTS.audience) as 'both',
  };
  const allowed = (name: string) => catalog.holdingProblem(holder, name) === null;
  const tickable = (field: string, names: string[]) =>
    tickableOf({ catalog, field, names, values });
  return {
    securityLevel: levelOptions(catalog),
    apiGroups: tickable('apiGroups', [...catalog.groups.keys()].filter(allowed)),
    apiScopes: tickable('apiScopes', [...catalog.scopes.keys()].filter(allowed)),
    servedApiGroups: tickable('servedApiGroups', [...catalog.groups.keys()]),
  };

  function levelOptions({ levels }: Catalog): Option[] {
    const ranked = [...levels.values()].sort((a, b) => b.rank - a.rank);
    return ranked.map(({ name, displayName }, i) => ({
      value: name,
      label: [
        name,
        ...(displayName && displayName !== name ? [displayName] : []),
        ...(i === 0 ? [t('client-form.securityLevel.highest')] : []),
      ].join(' · '),
    }));
  }
}

interface TickableInput {
  catalog: Catalog;
  field: string;
  /** What can be held. */
  names: string[];
  values: FormValues;
}

function tickableOf({ catalog, field, names, values }: TickableInput): Tickable {
  const held = (values[field] ?? '').split('\n').filter((name) => name !== '');
  const isLong = names.length > MOST_TICKS;
  const typed = values[`${field}.more`] ?? '';
  if (held.length > MOST_HELD) {
    const lines = [...held.sort(), typed].join('\n').trimEnd();
    return { options: [], more: lines, count: names.length };
  }
  const shown = [...new Set([...(isLong ? [] : names), ...held])].sort();
  const options = shown.map((name) => {
    const record = catalog.groups.get(name) ?? catalog.scopes.get(name);
    const hint = [record?.displayName, record?.securityLevel].filter(Boolean).join(' · ');
    return { value: name, label: name, checked: held.includes(name), ...(hint && { hint }) };
  });
  return { options, more: isLong || typed !== '' ? typed : null, count: names.length };
}
