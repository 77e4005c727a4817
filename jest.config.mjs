// Jest runs the TypeScript sources as native ES modules; swc only strips the types.
// The flag --experimental-vm-modules that this needs stands in the scripts of package.json.

import { mkdirSync } from 'node:fs';

mkdirSync('.cache', { recursive: true }); // `npm test` writes .cache/test-results.json for .ci/run

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript' },
          target: 'es2024',
          transform: { verbatimModuleSyntax: true },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/.cache/', '<rootDir>/data/'],
  maxWorkers: 2,
  testTimeout: 30_000,
};
