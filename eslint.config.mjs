import tseslint from 'typescript-eslint';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import { importX } from 'eslint-plugin-import-x';

/**
 * Data flows one way: each layer may import those before it. Codegen, the client, the CLI and testing are consumers, which
 * import layers and not each other.
 */
const LAYERS = ['model', 'descriptors', 'credentials', 'transport', 'apis', 'cloud'];
const CONSUMERS = ['client', 'codegen', 'testing', 'cli', 'plugin.ts', 'index.ts'];
/** These compose activities and workflows; nothing else knows both. */
const COMPOSERS = ['testing', 'cli', 'plugin.ts', 'index.ts'];

/** `target` may not import any of `from`. */
const zone = (target, from, message) => from.map((one) => ({ target: `./${target}`, from: `./${one}`, message }));
const inSrc = (names) => names.map((name) => `src/${name}`);

const zones = [
  ...LAYERS.flatMap((layer, n) =>
    zone(`src/${layer}`, inSrc([...LAYERS.slice(n + 1), ...CONSUMERS]), `src/${layer} comes before it`),
  ),
  ...[...LAYERS, 'client', 'codegen'].flatMap((name) =>
    zone(`src/${name}`, ['activities', 'workflows'], 'only composers import activities and workflows'),
  ),
  ...zone('activities', [...inSrc(CONSUMERS), 'workflows'], 'activities know the cloud, and not who composes them'),
  ...zone(
    'workflows',
    inSrc([...LAYERS.slice(1), ...CONSUMERS]),
    'workflow code reaches src/model and nothing else of ours',
  ),
  ...zone('workflows', ['activities'], 'what activities take and return is in src/model/contract.ts'),
  ...zone('src/client', inSrc(COMPOSERS), 'the client is a consumer of src/cloud'),
  ...zone('src/codegen', inSrc(['client', ...COMPOSERS]), 'codegen is a consumer of src/descriptors'),
  ...['src', 'activities', 'workflows'].flatMap((target) =>
    zone(target, ['test', 'examples', 'bench', 'chaos'], 'shipped code does not depend on tests'),
  ),
];

const only = (files, patterns) => ({
  files,
  rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
});

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', '.cache/', '**/*.js', '**/*.mjs', 'examples/**/cloud/**'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [createTypeScriptImportResolver()],
      // Without these the rules about imports look into no TypeScript file, and find nothing.
      'import-x/extensions': ['.ts'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
    },
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
    [
      'src/{descriptors,credentials,apis,cloud,client,codegen,cli}/**',
      'activities/**',
      'src/plugin.ts',
      'src/index.ts',
    ],
    [{ group: ['@grpc/grpc-js'], message: 'src/transport is the only place that imports grpc-js' }],
  ),
  only(
    ['workflows/**'],
    [{ regex: '^(?!\\.|@temporalio/(common|workflow)$)', message: 'workflow code runs in the sandbox' }],
  ),
  { files: ['test/**', 'examples/**', 'bench/**', 'chaos/**', 'src/cli/**'], rules: { 'no-console': 'off' } },
);
