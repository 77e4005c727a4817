/** The fields of a client that a form has, section by section. */
import { CLIENT_DEFAULTS, type ClientSettings } from '../../domain/clients/client.ts';
import {
  choice,
  type FormField,
  type FormValues,
  instant,
  lines,
  members,
  readLimit,
  showLimit,
  text,
  ticks,
  tokenSetting,
  wholeNumber,
} from './field-kinds.ts';
import type { FormReader } from './form-reader.ts';
import { type RowList, rowNumbers } from './form-rows.ts';

type Binding = ClientSettings['ipBindings'][number];
type Hours = NonNullable<ClientSettings['serviceHours']>;

const emails: FormField = {
  field: 'emails',
  show: (client) => ({ emails: (client.emails ?? []).join(', ') }),
  read: (form) =>
    form
      .text('emails')
      ?.split(/[\s,;]+/)
      .filter((address) => address !== ''),
};

const kind: FormField = {
  ...choice('kind'),
  read(form) {
    const { security = false, kind: held = 'partner' } = form.context;
    const wanted = form.filled('kind');
    if (wanted === undefined || security || wanted === held) return wanted;
    return form.refuse('kind', 'needs_security');
  },
};

/** Whether a form has the rows of a list, be they none: it names the list in `rows`. */
function hasRows(form: FormReader, list: RowList): boolean {
  return form.form.getAll('rows').includes(list) || rowNumbers(form.form, list).length > 0;
}

const serviceHours: FormField = {
  field: 'serviceHours',
  show({ serviceHours: hours }) {
    const values: FormValues = { 'serviceHours.timeZone': hours?.timeZone ?? '' };
    for (const [i, { days, from, to }] of (hours?.windows ?? []).entries()) {
      const row = `serviceHours.windows.${i}`;
      Object.assign(values, {
        [`${row}.days`]: days.join('\n'),
        [`${row}.from`]: from,
        [`${row}.to`]: to,
      });
    }
    return values;
  },
  read(form): (Omit<Hours, 'timeZone'> & { timeZone?: string }) | null | undefined {
    if (!hasRows(form, 'serviceHours.windows')) return undefined;
    const windows = rowNumbers(form.form, 'serviceHours.windows').map((i) => {
      const row = `serviceHours.windows.${i}`;
      const days = form.ticked(`${row}.days`) ?? [];
      if (days.length === 0) form.refuse(`${row}.days`, 'days');
      return { days, from: timeOfDay(form, `${row}.from`), to: timeOfDay(form, `${row}.to`) };
    });
    const timeZone = form.filled('serviceHours.timeZone');
    if (windows.length === 0) return null;
    return {
      ...(timeZone !== undefined && { timeZone }),
      windows: windows as Hours['windows'],
    };
  },
};

/** A time of the day as the domain writes it: `9:00` is `09:00`. */
function timeOfDay(form: FormReader, name: string): string {
  const typed = form.text(name) ?? '';
  return /^\d:\d\d$/.test(typed) ? `0${typed}` : typed;
}

const ipBindings: FormField = {
  field: 'ipBindings',
  show({ ipBindings: rows = [] }) {
    const shown = rows.flatMap(({ hostName, address }, i) => [
      [`ipBindings.${i}.hostName`, hostName],
      [`ipBindings.${i}.address`, address],
    ]);
    return Object.fromEntries(shown) as FormValues;
  },
  read(form): Binding[] | undefined {
    if (!hasRows(form, 'ipBindings')) return undefined;
    return rowNumbers(form.form, 'ipBindings').map((i) => ({
      hostName: form.text(`ipBindings.${i}.hostName`) ?? '',
      address: form.text(`ipBindings.${i}.address`) ?? '',
    }));
  },
};

const userAllowlist: FormField = {
  ...lines('userAllowlist'),
  read(form) {
    const { users } = form.context;
    const named = form.lines('userAllowlist');
    if (named === undefined || users === undefined) return named;
    const unknown = named.filter((line) => !users.has(line));
    for (const name of unknown) form.refuse('userAllowlist', 'unknown_user', { name });
    return unknown.length > 0 ? undefined : [...new Set(named.map((line) => users.get(line)))];
  },
};

const apiQuota: FormField = {
  field: 'apiQuota',
  show({ apiQuota: { calls, period } = CLIENT_DEFAULTS.apiQuota }) {
    return { ...showLimit('apiQuota.calls', calls), 'apiQuota.period': period };
  },
  read: (form) =>
    members(form, CLIENT_DEFAULTS.apiQuota, {
      calls: readLimit(form, 'apiQuota.calls', CLIENT_DEFAULTS.apiQuota.calls),
      period: form.filled('apiQuota.period'),
    }),
};

const tps: FormField = {
  field: 'tps',
  show: (client) => showLimit('tps', client.tps ?? CLIENT_DEFAULTS.tps),
  read: (form) => readLimit(form, 'tps', CLIENT_DEFAULTS.tps),
};

function number(field: 'priority' | 'failedLoginLimit'): FormField {
  return {
    field,
    show: (client) => ({ [field]: String(client[field] ?? CLIENT_DEFAULTS[field]) }),
    read: (form) => wholeNumber(form, field),
  };
}

const quotaZone: FormField = {
  field: 'timeZone',
  show: (client) => ({ timeZone: client.timeZone ?? '' }),
  // The hint says which zone a blank means, so a blank that was typed is that.
  read: (form) => (form.text('timeZone') === '' ? null : form.filled('timeZone')),
};

/** Keys that the client authenticates by: whoever sets them can act as it. */
const jwks: FormField = {
  field: 'jwks',
  show: (client) => ({ jwks: client.jwks ? JSON.stringify(client.jwks, null, 2) : '' }),
  read(form) {
    const [typed, removes] = [form.filled('jwks'), form.isOn('jwks.none')];
    if (typed === undefined && !removes) return undefined;
    if (!form.context.security) return form.refuse('jwks', 'needs_security');
    return removes ? null : keySet(form, typed ?? '');
  },
};

function keySet(form: FormReader, typed: string): unknown {
  try {
    const read: unknown = JSON.parse(typed);
    const isOneKey = typeof read === 'object' && read !== null && 'kty' in read;
    return isOneKey ? { keys: [read] } : read;
  } catch {
    return form.refuse('jwks', 'json');
  }
}

/** Every section of the form and its fields, in the order in which they are shown. */
export const SECTIONS = {
  who: [
    text('clientName', { required: true }),
    text('displayName', { required: true }),
    text('note', { required: true }),
    choice('audience'),
    text('applicationNo'),
    text('description'),
    choice('environment'),
    kind,
    emails,
    text('remark'),
    text('clientId', { required: true }),
  ],
  when: [instant('startsAt'), instant('expiresAt'), serviceHours],
  where: [ipBindings, userAllowlist],
  limits: [apiQuota, quotaZone, tps, number('priority')],
  access: [
    choice('securityLevel'),
    ticks('apiGroups'),
    ticks('apiScopes'),
    ticks('servedApiGroups'),
  ],
  tokens: [
    ticks('grantTypes'),
    tokenSetting('accessToken'),
    tokenSetting('refreshToken'),
    lines('redirectUris'),
    jwks,
  ],
  status: [choice('status'), number('failedLoginLimit')],
} as const satisfies Record<string, readonly FormField[]>;

/** A section of the form. */
export type SectionName = keyof typeof SECTIONS;

/** Whether a text names a section. */
export function isSection(name: string): name is SectionName {
  return Object.hasOwn(SECTIONS, name);
}
