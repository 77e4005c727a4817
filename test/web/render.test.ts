import { describe, expect, it } from '@jest/globals';
import { createRenderer } from '../../src/web/render.ts';
import type { Views } from '../../src/web/views.ts';

const render = createRenderer();
const page = { title: 'Title', stylesheet: '/static/app.css' };
const XSS = `"><script>alert('1')</script>&`;
const ESCAPED = '&#34;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;';

/** Locals of each view, with hostile text in every one that is text. */
const HOSTILE: Pick<Views, 'message' | 'shown-once' | 'password-form' | 'errors'> = {
  message: { heading: XSS, text: XSS },
  'shown-once': { heading: XSS, explanation: XSS, label: XSS, value: XSS },
  'password-form': {
    heading: XSS,
    explanation: XSS,
    action: XSS,
    token: XSS,
    submit: XSS,
    problems: [
      { field: XSS, code: XSS, message: XSS },
      { field: 'password', code: 'x', message: XSS },
    ],
  },
  errors: {
    reasons: [{ code: XSS, status: 403, title: XSS }],
    errors: [{ code: XSS, status: 400, title: XSS }],
  },
};

describe('render', () => {
  it.each(Object.keys(HOSTILE) as (keyof typeof HOSTILE)[])(
    'escapes everything that %s is told',
    async (view) => {
      const html = await render(view, HOSTILE[view], { title: XSS, stylesheet: XSS });
      expect(html).not.toContain('<script');
      expect(html).not.toContain(XSS);
      expect(html).toContain(`<title>${ESCAPED}`);
      expect(html).toContain(`href="${ESCAPED}"`);
      expect(html.match(/<main /g)).toHaveLength(1);
    },
  );

  it('fails where a view is not told what it needs, instead of leaving it out', async () => {
    const nothing = {} as unknown as Views['password-form'];
    await expect(render('password-form', nothing, page)).rejects.toThrow();
    const wrong = 'no-such-view' as unknown as 'message';
    await expect(render(wrong, { heading: '', text: '' }, page)).rejects.toThrow();
  });

  it('leaves nothing behind between two pages', async () => {
    const before = Object.keys(globalThis);
    const first = await render('message', { heading: 'One', text: 'first' }, page);
    const second = await render('message', { heading: 'Two', text: 'second' }, page);
    expect(first).toContain('first');
    expect(second).not.toContain('first');
    expect(Object.keys(globalThis)).toEqual(before);
  });

  it('shows no empty box where there is no value', async () => {
    const html = await render(
      'shown-once',
      { heading: 'H', explanation: 'E', label: 'L', value: null },
      page,
    );
    expect(html).not.toContain('<dl');
  });
});
