import eslint from '@eslint/js'
import prettier from 'eslint-config-prettier'
import tseslint from 'typescript-eslint'

/** The folders of src/ from the bottom of the house to its top: a folder may import only from those before it. */
const layers = [
  'device',
  'kernels',
  'tuning',
  'autograd',
  'nn',
  'optim',
  'weights',
  'models',
  'data',
  'training',
  'cli',
]

const onlyNodeOpensDevices = {
  name: 'webgpu',
  message: 'Only src/device/node.ts imports webgpu: everything else takes a GPUDevice from whoever has one.',
}

const layering = layers.map((layer, i) => ({
  files: [`src/${layer}/**/*.ts`],
  ignores: ['src/device/node.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        paths: [onlyNodeOpensDevices],
        patterns:
          i + 1 < layers.length
            ? [
                {
                  regex: `^(\\.\\./)+(${layers.slice(i + 1).join('|')}|index\\.js)(/|$)`,
                  message: `src/${layer} may import only from ${layers.slice(0, i + 1).join(', ')} (see ARCHITECTURE.md).`,
                },
              ]
            : [],
      },
    ],
  },
}))

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'node_modules/', 'coverage/'] },
  eslint.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  prettier,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['eslint.config.js', 'scripts/*.mjs'] } },
    },
    rules: {
      // with noUncheckedIndexedAccess, `values[i]!` is how a loop says that its index is in range
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-invalid-void-type': 'off',
    },
  },
  ...layering,
  {
    // Node's own modules are imported where they are used, so that browsers can load the package
    files: ['src/**/*.ts'],
    ignores: ['src/device/node.ts', 'src/device/node/**', 'src/cli/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ImportDeclaration[source.value=/^node:/][importKind!="type"]',
          message: 'Import Node modules dynamically, inside the function that needs them: browsers load this file too.',
        },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/cli/**'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { console: 'readonly', performance: 'readonly', process: 'readonly' } },
  },
)
