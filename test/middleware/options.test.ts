/** Options: mistakes show when the middleware is made. */
import { describe, expect, it } from '@jest/globals';
import { tollgateExpress, tollgateKoa } from '../../src/middleware/index.js';
import { pathOf } from '../../src/middleware/question.js';

const GOOD = {
  url: 'https://tollgate.example.com',
  clientId: 'shop-api',
  clientSecret: 'a secret',
};

type Make = (options: typeof GOOD) => unknown;

describe.each<[string, Make]>([
  ['tollgateExpress', tollgateExpress],
  ['tollgateKoa', tollgateKoa],
])('%s(options)', (_, make) => {
  const makeWith = (options: object) => () => make(options as typeof GOOD);

  it('takes what it needs, and every option', () => {
    expect(make(GOOD)).toBeInstanceOf(Function);
    const all = {
      ...GOOD,
      ...{ timeoutMs: 1, failOpen: true, weight: 5, onDecision() {}, onError() {} },
      ...{ clientIp: () => '::1', credential: () => null, idempotencyKey: () => 'k' },
    };
    expect(makeWith(all)()).toBeInstanceOf(Function);
    expect(makeWith({ ...GOOD, failOpen: undefined, weight: undefined })()).toBeInstanceOf(
      Function,
    );
  });

  it.each<[object, RegExp]>([
    [
      { url: undefined },
      /^tollgate: url is missing; set it to the base URL of Tollgate, such as https/,
    ],
    [{ url: 'tollgate.example.com' }, /^tollgate: url is "tollgate\.example\.com"; set it to/],
    [{ url: 'ftp://tollgate.example.com' }, /url is "ftp:/],
    [{ url: 'https://' }, /url is "https:\/\/"/],
    [{ url: new URL('https://tollgate.example.com') }, /url is of type object/],
    [{ clientId: '' }, /^tollgate: clientId is ""; set it to the client id of a resource server$/],
    [{ clientId: 7 }, /clientId is 7/],
    [{ clientSecret: undefined }, /^tollgate: clientSecret is missing; set it to the secret/],
    [{ timeoutMs: 0 }, /timeoutMs is 0; set it to whole milliseconds from 1 to 60000$/],
    [{ timeoutMs: '2000' }, /timeoutMs is "2000"/],
    [{ timeoutMs: Number.POSITIVE_INFINITY }, /timeoutMs is Infinity/],
    [
      { url: 'http://tollgate.example.com' },
      /^tollgate: url is "http:.*use https, or set allowHttp to true/,
    ],
    [{ failOpen: 'false' }, /failOpen is "false"; set it to true or false$/],
    [{ failOpen: null }, /failOpen is null/],
    [
      { weight: 0.5 },
      /weight is 0\.5; set it to a whole number from 1 to 1000000000, or a function/,
    ],
    [{ idempotencyKey: 'k' }, /idempotencyKey is "k"; set it to a function/],
    [{ clientIp: '192.0.2.7' }, /clientIp is "192\.0\.2\.7"; set it to a function/],
    [{ credential: {} }, /credential is of type object; set it to a function/],
    [{ onDecision: true }, /onDecision is true/],
    [{ onError: [] }, /onError is of type object/],
    [
      { failopen: true },
      /^tollgate: there is no option "failopen"; use url, allowHttp, clientId, .*failOpen/,
    ],
    [{ constructor: 1 }, /there is no option "constructor"/],
  ])('refuses %p and names option, value and fix', (options, message) => {
    expect(makeWith({ ...GOOD, ...options })).toThrow(message);
    expect(makeWith({ ...GOOD, ...options })).toThrow(TypeError);
  });

  it('refuses no options at all', () => {
    expect(() => make(undefined as never)).toThrow(/^tollgate: url is missing/);
  });

  it.each([
    { clientSecret: { value: 'hunter2' } },
    { clientSecret: ['hunter2'] },
    { url: 'https://shop-api:hunter2@tollgate.example.com' },
    { url: 'https:shop-api:hunter2@tollgate.example.com' },
    { url: 'https://tollgate.example.com/?secret=hunter2' },
    { url: 'https://tollgate.example.com/#hunter2' },
  ])('shows no secret: %p', (options) => {
    expect(makeWith({ ...GOOD, ...options })).toThrow(/\*\*\*/);
    expect(makeWith({ ...GOOD, ...options })).not.toThrow(/hunter2/);
  });
});

describe('pathOf(target)', () => {
  it.each([
    ['/orders/1?a=b#c', '/orders/1'],
    ['/orders/1#c?a=b', '/orders/1'],
    ['http://shop.test:8080/orders/1', '/orders/1'],
    ['HTTPS://[2001:db8::1]?a', '/'],
    ['//shop.test/orders', '//shop.test/orders'],
    ['', null],
    ['*', null],
    ['orders/1', null],
    ['http://shop.test\\orders/1', null],
    ['http://user@shop.test/orders/1', null],
    // Express trims these before it routes; Node's strict parser refuses them, its lenient one does not.
    ['/orders/1\u00a0', null],
    ['/orders/1\t#', null],
  ])('%p is %p', (target, path) => {
    expect(pathOf(target)).toBe(path);
  });
});
