import { dirname } from 'node:path';

/**
 * The targets that every project of the workspace has, so that no `package.json` repeats them: `build`, `lint`,
 * `unit` and `test` (every tier) for each, `serve` for a service. Plain JavaScript, since Nx loads it before anything is built.
 */
export const createNodes = [
  '{libs/*,services/*,infra/dev,e2e,bench,tools}/package.json',
  (files) =>
    files.map((file) => [
      file,
      { projects: { [dirname(file)]: { targets: targetsOf(dirname(file)) } } },
    ]),
];
/** The name that earlier and later versions of Nx look for. */
export const createNodesV2 = createNodes;

function targetsOf(root) {
  const targets = {
    // After those of the libraries that it uses: two compilers must not write one `dist` at a time.
    build: {
      ...runOnce(`node node_modules/@typescript/native/bin/tsc -b ${root}`),
      dependsOn: ['^build'],
    },
    lint: runOnce(`eslint ${root}`),
    unit: runOnce(`vitest run --project unit --passWithNoTests --dir ${root}`),
    test: runOnce(`vitest run --passWithNoTests --dir ${root}`),
  };
  return root.startsWith('services/') ? { ...targets, serve: serve(root) } : targets;
}

function runOnce(command) {
  return { executor: 'nx:run-commands', cache: false, options: { command } };
}

/** Builds once, then compiles on every change while Node restarts the service when its output changes. */
function serve(root) {
  return {
    executor: 'nx:run-commands',
    cache: false,
    continuous: true,
    dependsOn: ['build'],
    options: {
      parallel: true,
      commands: [
        `node node_modules/@typescript/native/bin/tsc -b ${root} --watch --preserveWatchOutput`,
        `node --enable-source-maps --watch ${root}/dist/main.js`,
      ],
    },
  };
}
