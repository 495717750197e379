import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { OperationsClient } from 'temporal-lro';
import { FakeCloud } from 'temporal-lro/testing';
import { leave } from './support/left-behind';
import type { TracedSpan } from './tracing/main';

test("the span of each poll is a child of its activity's span, which is a child of the workflow's span", async () => {
  await using cloud = await FakeCloud.start();
  const response = { '@type': 'google.protobuf.Empty' };
  const operationId = cloud.operation({ after: '1 h', onCancel: 'completes', response });
  const client = OperationsClient.connect({ endpoint: cloud.address, plaintext: true });
  let gets = 0;
  let finished: Promise<unknown> | undefined;
  cloud.intercept(({ method }) => {
    if (method.endsWith('/Get') && ++gets === 2) finished = client.cancel(operationId);
    return undefined;
  });
  const args = [require.resolve('./tracing/main'), cloud.address, operationId, `tracing-${Date.now()}`];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  leave('outputs', stdout);
  await finished;
  client.close();
  const spans = readSpans(stdout);
  const byId = new Map(spans.map((span) => [span.id, span]));
  const path = (span: TracedSpan | undefined): string[] =>
    span ? [...path(byId.get(span.parentId ?? '')), span.name] : [];
  const polls = spans.filter(({ name }) => name.endsWith('OperationService/Get'));
  expect(polls).toHaveLength(gets);
  expect(gets).toBeGreaterThan(1);
  for (const poll of polls) {
    expect(path(poll)).toEqual([
      'StartWorkflow:awaitOperation',
      'RunWorkflow:awaitOperation',
      'StartActivity:operation.get',
      'RunActivity:operation.get',
      'grpc.yandex.cloud.operation.OperationService/Get',
    ]);
  }
});

/** The last line of the program. */
function readSpans(stdout: string): TracedSpan[] {
  const printed: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  return Array.isArray(printed) ? printed.filter(isSpan) : [];
}

function isSpan(value: unknown): value is TracedSpan {
  return typeof value === 'object' && value !== null && 'name' in value && 'id' in value;
}
