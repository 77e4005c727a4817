import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { MAIL_TEMPLATES, type MailContent, type MailTemplates } from '../../src/domain/mailer.ts';
import { instantInWords } from '../../src/web/formats.ts';
import { createMailRenderer } from '../../src/web/mail-views.ts';

const ISSUER = 'https://auth.example.test';
const render = createMailRenderer({ issuer: ISSUER });

const URL = `${ISSUER}/reset-password?token=tgl_0123&x=<y>`;
const AT = new Date('2026-11-24T16:00:00Z');
const CLIENT = {
  clientId: 'orders',
  displayName: `O'Reilly & Sons <訂單> "Ümit"`,
  by: 'an admin (id 17)',
  timeZone: 'Asia/Taipei',
};
const KEY = {
  ...CLIENT,
  alias: 'night <b>',
  lastFour: 'a&B_',
  startsAt: null,
  expiresAt: AT,
  apiGroups: ['orders.read', 'orders.write'],
};

/** What each mail is told in these tests. */
const TOLD: MailTemplates = {
  'client-password-link': { ...CLIENT, url: URL, expiresAt: AT },
  'api-key-created': KEY,
  'api-key-rotated': { ...KEY, previousUntil: AT },
};

function content(template: keyof MailTemplates, changes: object = {}): MailContent {
  return { template, locals: { ...TOLD[template], ...changes } } as MailContent;
}

describe('every mail', () => {
  it('has a view, and every view is a mail', () => {
    const folder = join(import.meta.dirname, '../../views/mail');
    const views = globSync('*.ejs', { cwd: folder }).map((file) => file.replace('.ejs', ''));
    expect(views.sort()).toEqual([...MAIL_TEMPLATES].sort());
    for (const view of views) {
      const text = readFileSync(join(folder, `${view}.ejs`), 'utf8');
      expect(text.startsWith(`<%# locals: ${view} -%>\n`)).toBe(true);
    }
  });

  it.each(MAIL_TEMPLATES)('%s says values as they are, without HTML', (template) => {
    const { subject, text } = render(content(template));
    expect(subject).toContain(CLIENT.displayName);
    expect(text).toContain(`"${CLIENT.displayName}" (orders)`);
    expect(text).toContain('an admin (id 17)');
    expect(subject + text).not.toMatch(/&(?:#\d+|#x|[a-z]+);|<%|%>|undefined|null|\[object/);
  });

  it.each(MAIL_TEMPLATES)('%s says what to do if it was not expected, and to whom', (template) => {
    const { text } = render(content(template));
    expect(text).toContain('If you did not expect this mail');
    expect(text).toContain(`tell the admins of ${ISSUER}`);
  });

  it.each(MAIL_TEMPLATES)('%s tells instants in the zone of its reader', (template) => {
    const { text } = render(content(template));
    expect(text).toContain('25 Nov 2026, 00:00 Asia/Taipei');
    expect(text).not.toMatch(/GMT|\d{4}-\d\d-\d\d/);
    const inUtc = render(content(template, { timeZone: 'UTC' }));
    expect(inUtc.text).toContain('24 Nov 2026, 16:00 UTC');
  });

  it.each(MAIL_TEMPLATES)('%s is made of paragraphs that no value can add to', (template) => {
    const calm = render(content(template));
    const evil = '\r\n\r\nBcc: spy@evil.example\u2028\u2029\u0085\n\nForged';
    const texts = Object.entries(TOLD[template]).filter(([, value]) => typeof value === 'string');
    for (const [name, value] of texts.filter(([key]) => key !== 'timeZone')) {
      const { subject, text } = render(content(template, { [name]: `${value}${evil}` }));
      expect(subject).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
      expect(text.split(/[\r\n\p{Zl}\p{Zp}]/u)).toHaveLength(calm.text.split('\n').length);
      expect(subject + text).toContain(`${value} Bcc: spy@evil.example Forged`);
    }
  });

  it.each(MAIL_TEMPLATES)('%s fails where it is not told what it needs', (template) => {
    for (const name of Object.keys(TOLD[template])) {
      if (['startsAt', 'previousUntil', 'timeZone'].includes(name)) continue;
      expect(() => render(content(template, { [name]: undefined }))).toThrow();
    }
  });
});

describe('the mail with a link', () => {
  it('holds the link on a line of its own, and until when it works', () => {
    const { subject, text } = render(content('client-password-link'));
    expect(subject).toBe(`Choose a new password for ${CLIENT.displayName}`);
    expect(text.split('\n')).toContain(URL);
    expect(text).toContain('works once, until 25 Nov 2026, 00:00 Asia/Taipei:');
  });
});

describe('the mails about a key', () => {
  it('tell its alias, end, expiry and groups, and from when it works', () => {
    const { text } = render(content('api-key-created'));
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        'Alias: night <b>',
        'Ends in: a&B_',
        'Works from: now',
        'Expires: 25 Nov 2026, 00:00 Asia/Taipei',
        'API groups: orders.read, orders.write',
      ]),
    );
    const later = render(content('api-key-created', { startsAt: AT }));
    expect(later.text).toContain('Works from: 25 Nov 2026, 00:00 Asia/Taipei');
  });

  it('tell how long the value before still works', () => {
    const { text } = render(content('api-key-rotated'));
    expect(text).toContain('The value before works until 25 Nov 2026, 00:00 Asia/Taipei.');
    const ended = render(content('api-key-rotated', { previousUntil: null }));
    expect(ended.text).toContain('\n\nThe value before has stopped working.\n\n');
  });
});

describe('instantInWords', () => {
  it.each([
    ['2026-11-24T16:00:00Z', 'Asia/Taipei', '25 Nov 2026, 00:00 Asia/Taipei'],
    ['2026-09-05T04:05:59Z', 'UTC', '5 Sep 2026, 04:05 UTC'],
    ['2026-03-08T07:00:00Z', 'America/New_York', '8 Mar 2026, 03:00 America/New_York'],
  ])('%s in %s is %s', (instant, zone, words) => {
    expect(instantInWords(new Date(instant), zone)).toBe(words);
  });
});
