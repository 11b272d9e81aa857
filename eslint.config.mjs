import nx from '@nx/eslint-plugin';
import { createProjectGraphAsync } from '@nx/devkit';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';
import { PATH_BORDERS, PROJECT_BORDERS, TEST_BORDERS } from './tools/lint/borders.mjs';

// The border rule reads Nx's project graph and silently skips every file when there is none, as on a fresh clone.
await createProjectGraphAsync();

const TYPESCRIPT = ['**/*.ts', '**/*.tsx'];
const CONSOLE = ['services/ui/console/**', 'services/ui/vite.config.ts'];

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/.nx/**', '**/.bunny/**', '**/coverage/**'] },
  {
    name: 'language',
    files: TYPESCRIPT,
    extends: [tseslint.configs.recommended],
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.check.json', './services/ui/console/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      eqeqeq: ['error', 'always'],
      'no-console': 'error',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true } }],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ExportAllDeclaration',
          message: 'A door lists its names one by one; no `export *`.',
        },
        { selector: 'TSEnumDeclaration', message: 'Use a constant object and a type of its name.' },
        {
          selector: 'TSModuleDeclaration[kind="namespace"]',
          message: 'A file is the namespace.',
        },
      ],
      // Whatever was caught, or a signal's `reason`, may be thrown on; a text may not be thrown.
      'no-throw-literal': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'prefer-promise-reject-errors': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
    },
  },
  {
    name: 'language/typed',
    files: TYPESCRIPT,
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
    },
  },
  {
    name: 'borders/projects',
    files: TYPESCRIPT,
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': ['error', { allow: [], depConstraints: PROJECT_BORDERS }],
    },
  },
  {
    name: 'borders/projects-of-tests',
    files: ['{libs,services}/*/test/**/*.ts'],
    rules: {
      '@nx/enforce-module-boundaries': ['error', { allow: [], depConstraints: TEST_BORDERS }],
    },
  },
  ...PATH_BORDERS,
  {
    name: 'console',
    files: CONSOLE,
    plugins: { 'react-hooks': reactHooks },
    rules: reactHooks.configs.recommended.rules,
  },
  {
    name: 'programs',
    // People read what these print.
    files: ['tools/**', 'bench/**', 'infra/dev/**'],
    rules: { 'no-console': 'off' },
  },
  { name: 'config-files', files: ['**/*.config.*'], rules: { 'no-restricted-exports': 'off' } },
);
