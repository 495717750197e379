import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const logger = new DefaultLogger('ERROR', () => undefined);

/** The packages in a bundle, found by the module names that webpack writes above each module. */
function packagesIn(code: string): Set<string> {
  const modules = code.matchAll(/^\/\*\*\*\/ ".*\/node_modules\/((?:@[\w.-]+\/)?[\w.-]+)\/.*"$/gm);
  return new Set(Array.from(modules, ([, name = '']) => name));
}

test.each(['temporal-lro/workflow', 'temporal-lro/workflow-definitions'])(
  '%s bundles for the workflow sandbox without ignored modules, and contains neither gRPC nor protobuf',
  async (entry) => {
    const { code } = await bundleWorkflowCode({ workflowsPath: require.resolve(entry), ignoreModules: [], logger });
    const packages = packagesIn(code);
    expect(packages).toContain('@temporalio/workflow');
    expect([...packages].filter((name) => /grpc|protobuf/.test(name))).toEqual([]);
  },
);

test('workflow code that imports temporal-lro itself gets an error that says which entry to import', async () => {
  const workflowsPath = require.resolve('./support/wrong-door');
  const bundling = bundleWorkflowCode({ workflowsPath, logger });
  await expect(bundling).rejects.toThrow(
    /^Your Workflow code .* is importing the following disallowed modules:\n( {2}- '.*'\n)* {2}- 'http2'\n.*HINT/s,
  );
});
