/** What every page of the console has around its content. */
import type { Admin } from '../../domain/admins/admin.ts';
import { randomId } from '../../domain/secrets/random.ts';
import type { Formats } from '../formats.ts';
import type { Translate } from '../messages.ts';
import { NAV, type NavSection } from './nav.ts';
import type { Preferences, Theme } from './preferences.ts';

/** A step of the path to a page. */
export interface Breadcrumb {
  label: string;
  /** Left out: the page itself. */
  href?: string;
}

/** What a handler says of its page. */
export interface PageOptions {
  title: string;
  /** Steps between the section and the page; the page itself is added. */
  breadcrumbs?: Breadcrumb[];
  /** What the last step is called; default: the title. */
  crumb?: string;
  /** HTTP status; default 200. 422 makes the title begin with `Error:`. */
  status?: number;
  /** Entry of the navigation that is current. */
  section?: NavSection;
  /** The page has a header of its own, with the `h1`. */
  ownHeading?: boolean;
}

/** What the layout `console` is told. */
export interface ConsolePage {
  title: string;
  heading: string;
  ownHeading: boolean;
  status: number;
  lang: string;
  stylesheet: string;
  script: string;
  /** Value of the hidden field of every form. */
  csrf: string;
  /** Of this making of the page, for a form that is to be sent once. */
  formId: string;
  environment: string;
  admin: { userName: string; displayName: string; role: string };
  nav: { label: string; href: string; current: boolean }[];
  breadcrumbs: Breadcrumb[];
  /** What the last change did; told once. */
  flash: string | null;
  theme: Theme;
  keys: boolean;
  timeZone: string;
  now: string;
  path: string;
  /** Words in the search field. */
  search: string;
}

/** What a page is made from, beside what its handler says. */
export interface PageParts {
  admin: Admin;
  csrf: string;
  environment: string;
  flash: string | null;
  formats: Formats;
  path: string;
  preferences: Preferences;
  script: string;
  search: string;
  stylesheet: string;
  t: Translate;
}

/** The page around a view. */
export function consolePage(parts: PageParts, options: PageOptions): ConsolePage {
  const { admin, csrf, environment, flash, formats, path, script, search, stylesheet, t } = parts;
  const {
    title,
    breadcrumbs = [],
    crumb = title,
    status = 200,
    section,
    ownHeading = false,
  } = options;
  const nav = NAV.map(({ key, href }) => ({
    label: t(`nav.${key}`),
    href,
    current: key === section,
  }));
  const root = nav.find((entry) => entry.current);
  const trail = [...(root === undefined ? [] : [root]), ...breadcrumbs];
  const isAlone = trail.length === 0 && crumb === title;
  return {
    title: status === 422 ? t('common.error_title', { title }) : title,
    heading: title,
    ownHeading,
    status,
    lang: 'en',
    stylesheet,
    script,
    csrf,
    formId: randomId(),
    environment,
    admin,
    nav,
    breadcrumbs: root?.label === title || isAlone ? [] : [...trail, { label: crumb }],
    flash,
    theme: parts.preferences.theme,
    keys: parts.preferences.keys,
    timeZone: formats.timeZone,
    now: formats.now.toISOString(),
    path,
    search,
  };
}
