// Types are checked by tsc; this holds what it does not: promises that nobody awaits, `any`, imports of types as values.
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const NODE = {
  console: 'readonly',
  process: 'readonly',
  Buffer: 'readonly',
  URL: 'readonly',
  fetch: 'readonly',
  performance: 'readonly',
};

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      'packages/torch/build/**',
      'outputs/**',
      'runs/**',
      'packages/torch/src/generated/**',
    ],
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    extends: [js.configs.recommended],
    languageOptions: { globals: NODE },
  },
  {
    files: ['scripts/site/switch.js'], // runs in a page
    languageOptions: {
      globals: { document: 'readonly', location: 'readonly', Option: 'readonly', window: 'readonly' },
    },
  },
  {
    files: [
      'packages/*/src/**/*.ts',
      'packages/*/src/**/*.tsx',
      'tests/*.ts',
      'bench/**/*.ts',
      'examples/browser/*.ts',
      'examples/cornerstone/adapter.ts',
    ],
    extends: [js.configs.recommended, ...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Numbers in messages are the rule here, not a mistake.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // Bounds are proven by the loops that index typed arrays; `noUncheckedIndexedAccess` demands the mark.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // Taking a name out of an object to leave it behind.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-misused-spread': [
        'error',
        { allow: [{ from: 'lib', name: 'String' }, 'string'] },
      ],
      'no-undef': 'off', // tsc knows the globals
    },
  },
  {
    files: ['vitest.config.ts'],
    extends: [js.configs.recommended, ...tseslint.configs.recommended],
  },
);
