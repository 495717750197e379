import tseslint from 'typescript-eslint';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import { importX } from 'eslint-plugin-import-x';

/** `from` may not be imported by `target`: data flows one way. */
const zone = (target, from, message, except = []) => ({ target: `./${target}`, from: `./${from}`, message, except });

const zones = [
  ...['src', 'activities', 'workflows', 'test', 'examples', 'bench', 'chaos']
    .filter((from) => from !== 'src')
    .map((from) => zone('src/model', from, 'src/model is pure: it imports nothing of ours')),
  ...['descriptors', 'credentials', 'cloud', 'codegen', 'testing', 'cli', 'plugin.ts', 'index.ts'].map((from) =>
    zone('src/model', `src/${from}`, 'src/model is pure: it imports nothing of ours'),
  ),
  ...['credentials', 'cloud', 'codegen', 'testing', 'cli', 'plugin.ts', 'index.ts'].map((from) =>
    zone('src/descriptors', `src/${from}`, 'src/descriptors comes before it'),
  ),
  ...['cloud', 'codegen', 'testing', 'cli', 'plugin.ts', 'index.ts'].map((from) =>
    zone('src/credentials', `src/${from}`, 'src/credentials comes before it'),
  ),
  ...['codegen', 'testing', 'cli', 'plugin.ts', 'index.ts'].map((from) =>
    zone('src/cloud', `src/${from}`, 'src/cloud comes before it'),
  ),
  ...['descriptors', 'credentials', 'cloud', 'codegen'].flatMap((target) =>
    ['activities', 'workflows'].map((from) =>
      zone(`src/${target}`, from, 'only the plugin, the index, the CLI and ./testing compose activities and workflows'),
    ),
  ),
  ...['testing', 'cli', 'plugin.ts', 'index.ts', 'codegen'].map((from) =>
    zone('activities', `src/${from}`, 'activities know the cloud, not who composes them'),
  ),
  ...['descriptors', 'credentials', 'cloud', 'codegen', 'testing', 'cli', 'plugin.ts', 'index.ts'].map((from) =>
    zone('workflows', `src/${from}`, 'workflow code reaches src/model and the types of activities, nothing else'),
  ),
  ...['src', 'activities', 'workflows'].flatMap((target) =>
    ['test', 'examples', 'bench', 'chaos'].map((from) => zone(target, from, 'shipped code does not depend on tests')),
  ),
];

const only = (files, patterns) => ({
  files,
  rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
});

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', '.cache/', '**/*.js', '**/*.mjs', 'src/testing/gen/**', 'examples/**/cloud/**'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/only-throw-error': 'error',
      'no-console': 'error',
      'max-lines': ['error', 300],
      eqeqeq: 'error',
    },
  },
  {
    files: ['src/**', 'activities/**', 'workflows/**'],
    rules: { '@typescript-eslint/explicit-module-boundary-types': 'error' },
  },
  only(
    ['src/model/**'],
    [{ regex: '^(?!\\.|@temporalio/common$)', message: 'src/model imports only @temporalio/common' }],
  ),
  only(
    ['src/descriptors/**', 'src/credentials/**', 'src/codegen/**', 'activities/**', 'src/plugin.ts', 'src/index.ts'],
    [{ group: ['@grpc/*'], message: 'src/cloud is the only place that imports grpc-js' }],
  ),
  only(
    ['workflows/**'],
    [
      { regex: '^(?!\\.|@temporalio/(common|workflow)$)', message: 'workflow code runs in the sandbox' },
      {
        regex: '^\\.\\./activities',
        allowTypeImports: true,
        message: 'workflow code takes the types of activities only',
      },
    ],
  ),
  { files: ['test/**', 'examples/**', 'bench/**', 'chaos/**', 'src/cli/**'], rules: { 'no-console': 'off' } },
);
