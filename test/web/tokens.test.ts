/** Contrast of the stylesheet's colours, computed from its tokens in both themes (WCAG 2.2, 1.4.3 and 1.4.11). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const css = readFileSync(join(import.meta.dirname, '../../views/static/app.css'), 'utf8');
const layer = /@layer tokens \{([\s\S]*?)\n\}/.exec(css)?.[1] ?? '';
const tokens = new Map(
  [...layer.matchAll(/--([\w-]+):\s*([^;]+);/g)].map(([, name = '', value = '']) => [name, value]),
);
const THEMES = ['light', 'dark'] as const;
type Theme = (typeof THEMES)[number];

/** The colour of a token as `#rrggbb`, through the tokens that it names. */
function colour(name: string, theme: Theme): string {
  const value = tokens.get(name);
  if (value === undefined) throw new Error(`there is no token --${name}`);
  const named = /^var\(--([\w-]+)\)$/.exec(value)?.[1];
  if (named !== undefined) return colour(named, theme);
  const both = /^light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)$/.exec(value);
  const found = both?.[theme === 'light' ? 1 : 2];
  if (found === undefined) throw new Error(`--${name} is no colour of two themes: ${value}`);
  return found;
}

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string, theme: Theme): number {
  const [dark = 0, light = 0] = [one, other]
    .map((name) => luminance(colour(name, theme)))
    .sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const GROUNDS = ['surface', 'page', 'fill'];
const TINTS = ['good', 'warning', 'danger', 'info'];

/** Text and what it stands on. */
const TEXT_PAIRS: [string, string][] = [
  ...['text', 'text-soft', 'text-quiet', 'accent', 'accent-strong', 'danger'].flatMap((text) =>
    GROUNDS.map((ground): [string, string] => [text, ground]),
  ),
  ...TINTS.flatMap((meaning): [string, string][] => [
    [meaning, `${meaning}-tint`],
    [meaning, 'surface'],
    [meaning, 'page'],
    ['text', `${meaning}-tint`],
  ]),
  ['accent-strong', 'accent-tint'],
  ['on-accent', 'accent'],
  ['on-accent', 'accent-strong'],
  ['on-danger', 'danger'],
  ['surface', 'text'],
];

/** What has to be seen to use a page: borders of fields, the ring of the focus, bars. */
const SHAPE_PAIRS: [string, string][] = [
  ['field-line', 'surface'],
  ['field-line', 'page'],
  ...GROUNDS.map((ground): [string, string] => ['accent', ground]),
  ...TINTS.map((meaning): [string, string] => [meaning, 'line']),
];

describe.each(THEMES)('colours of the %s theme', (theme) => {
  it.each(TEXT_PAIRS)('--%s can be read on --%s', (text, ground) => {
    expect(contrast(text, ground, theme)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(SHAPE_PAIRS)('--%s can be seen on --%s', (shape, ground) => {
    expect(contrast(shape, ground, theme)).toBeGreaterThanOrEqual(3);
  });

  it('is never pure black', () => {
    const raw = [...tokens.keys()].filter((name) => /-\d$/.test(name));
    expect(raw.length).toBeGreaterThanOrEqual(18);
    expect(raw.filter((name) => colour(name, theme) === '#000000')).toEqual([]);
  });
});

describe('tokens', () => {
  it('have one raw layer, from which every meaning takes its colour', () => {
    const meanings = [...tokens].filter(([name]) => !/-\d$/.test(name) && name !== 'shadow');
    expect(meanings.filter(([, value]) => value.includes('light-dark('))).toEqual([]);
  });

  it('are used by their meaning outside their layer', () => {
    const outside = css.replace(layer, '');
    expect(outside.match(/var\(--(?:grey|teal|green|amber|red|blue)-\d\)/g) ?? []).toEqual([]);
    const used = [...css.matchAll(/var\(--([\w-]+)\)/g)].map(([, name = '']) => name);
    const local = ['tone', 'tint'];
    expect(used.filter((name) => !tokens.has(name) && !local.includes(name))).toEqual([]);
    const spare = [...tokens.keys()].filter((name) => !used.includes(name));
    expect(spare).toEqual([]);
  });
});
