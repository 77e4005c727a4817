import { describe, expect, it } from '@jest/globals';
import { translated } from '../../adapters/mongo/errors.ts';

describe('errors of the MongoDB driver', () => {
  it.each([
    'MongoNetworkError',
    'MongoServerSelectionError',
    'MongoPoolClearedError',
    'PoolClearedOnNetworkError',
  ])('%s means that the store does not answer', (name) => {
    const error = Object.assign(new Error('down'), { name });
    expect(translated(error)).toMatchObject({ code: 'store_unavailable', cause: error });
  });

  it('leaves errors of our own code as they are', () => {
    const error = new TypeError('a mistake');
    expect(translated(error)).toBe(error);
  });
});
