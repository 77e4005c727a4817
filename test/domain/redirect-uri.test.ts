import { describe, expect, it } from '@jest/globals';
import { redirectUri, redirectUriProblem } from '../../src/domain/clients/redirect-uri.ts';

describe('redirectUriProblem', () => {
  it.each([
    'https://partner.example/callback',
    'https://partner.example',
    'https://partner.example:8443/cb?tenant=1&x=%20',
    'https://[2001:db8::1]/cb',
    'http://localhost/cb',
    'http://localhost:4711/cb',
    'http://127.0.0.1:4711/cb',
    'http://[::1]:4711/cb',
    'com.example.app:/callback',
    'com.example.app://host/callback',
  ])('accepts %s', (uri) => {
    expect(redirectUriProblem(uri)).toBeNull();
  });

  it.each([
    ['', 'must be an absolute URI'],
    ['/callback', 'must be an absolute URI'],
    ['partner.example/cb', 'must be an absolute URI'],
    ['https://', 'must be an absolute URI'],
    ['https:partner.example', 'must be an absolute URI'],
    ['https:/partner.example/cb', 'must be an absolute URI'],
    ['https:///partner.example/cb', 'must be an absolute URI'],
    ['https://partner.example/#frag', 'fragment'],
    ['https://partner.example/#', 'fragment'],
    ['https://*.partner.example/cb', 'wildcard'],
    ['https://partner.example/*', 'wildcard'],
    ['https://me@partner.example/', 'user information'],
    ['https://me:secret@partner.example/', 'user information'],
    ['http://partner.example/cb', 'must be https'],
    ['http://localhost.partner.example/cb', 'must be https'],
    ['http://127.0.0.2/cb', 'must be https'],
    ['http://0.0.0.0/cb', 'must be https'],
    ['javascript:alert(1)', 'scheme javascript:'],
    ['JavaScript:alert(1)', 'scheme javascript:'],
    ['data:text/html,x', 'scheme data:'],
    ['file:///etc/passwd', 'scheme file:'],
    ['blob:https://partner.example/x', 'scheme blob:'],
    ['vbscript:x', 'scheme vbscript:'],
    ['ws://partner.example/', 'scheme ws:'],
    ['wss://partner.example/', 'scheme wss:'],
    ['ftp://partner.example/', 'scheme ftp:'],
    ['myapp:/callback', 'must hold a dot'],
    ['mailto:a@b.example', 'must hold a dot'],
    [' https://partner.example/cb', 'ASCII'],
    ['https://partner.example/cb ', 'ASCII'],
    ['https://part\nner.example/cb', 'ASCII'],
    ['https://partner.example/a b', 'ASCII'],
    ['https://partner.example/\u0000', 'ASCII'],
    ['https:\\\\partner.example\\cb', 'must be an absolute URI'],
    ['https://partner.example\\cb', 'ASCII'],
    ['https://pärtner.example/cb', 'ASCII'],
  ])('refuses %j: %s', (uri, why) => {
    expect(redirectUriProblem(uri)).toContain(why);
  });

  it('is a rule of at most 2000 characters', () => {
    const long = (length: number) => 'https://p.example/'.padEnd(length, 'x');
    expect(redirectUri.safeParse(long(2000)).success).toBe(true);
    expect(redirectUri.safeParse(long(2001)).success).toBe(false);
  });
});
