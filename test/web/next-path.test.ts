import { describe, expect, it } from '@jest/globals';
import { nextPath } from '../../src/web/sign-in/next-path.ts';

describe('nextPath', () => {
  it.each([
    '/admin',
    '/admin/clients?search=a%20b&status=enabled',
    '/admin/clients/x%2Fy',
    '/admin/sessions//evil.example',
    '/admin/clients?next=https://evil.example',
  ])('leads to %s', (next) => {
    expect(nextPath(next)).toBe(next);
  });

  it.each([
    ['nothing', null],
    ['an empty text', ''],
    ['another site', 'https://evil.example/admin'],
    ['a site without scheme', '//evil.example/admin'],
    ['three slashes', '///evil.example/admin'],
    ['backslashes', '/\\evil.example/admin'],
    ['backslashes first', '\\\\evil.example\\admin'],
    ['a tab between slashes', '/\t/evil.example/admin'],
    ['a line break between slashes', '/\n/evil.example/admin'],
    ['a blank before', ' //evil.example/admin'],
    ['a script', 'javascript:alert(1)//admin'],
    ['a path beside the console', '/oauth2/token'],
    ['a path that begins like the console', '/administrator'],
    ['a path that leaves the console', '/admin/../oauth2/token'],
    ['a path that leaves the console encoded', '/admin/%2e%2e/oauth2/token'],
    ['a path that leaves for another site', '/admin/..//evil.example'],
    ['user info', '/admin@evil.example'],
    ['the sign-in itself', '/admin/sign-in?next=/admin'],
    ['the proof itself', '/admin/verify'],
    ['a relative path', 'admin/clients'],
  ])('leads to the home of the console instead of %s', (_, next) => {
    expect(nextPath(next)).toBe('/admin');
  });

  it('drops what a header could not hold', () => {
    expect(nextPath('/admin/clients\r\nSet-Cookie: x=1')).toBe('/admin/clientsSet-Cookie:%20x=1');
  });
});
