import { defineConfig } from 'vitest/config';

const exclude = ['**/node_modules/**', '**/dist/**'];

export default defineConfig({
  resolve: { conditions: ['bunny-source', 'module', 'node', 'development|production'] },
  ssr: { resolve: { conditions: ['bunny-source', 'module', 'node', 'development|production'] } },
  test: {
    passWithNoTests: false,
    projects: [
      {
        extends: true,
        // A property test tries hundreds of inputs: on a busy machine that takes longer than Vitest's five seconds.
        test: { name: 'unit', include: ['**/*.unit.spec.ts'], exclude, testTimeout: 60_000 },
      },
      {
        extends: true,
        test: {
          name: 'int',
          include: ['**/*.int.spec.ts'],
          exclude,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 3,
          globalSetup: ['libs/testkit/src/vitest-global-setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['**/*.e2e.spec.ts'],
          exclude,
          testTimeout: 300_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
          globalSetup: ['libs/testkit/src/vitest-global-setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'soak',
          include: ['**/*.soak.spec.ts'],
          exclude,
          testTimeout: 3_600_000,
          hookTimeout: 300_000,
          // What is measured must not share the machine with another measurement.
          fileParallelism: false,
          maxWorkers: 1,
        },
      },
    ],
  },
});
