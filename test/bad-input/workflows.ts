import { operations } from 'temporal-lro/workflow';

export * from 'temporal-lro/workflow-definitions';

/** Any JSON, as a caller without a type checker may pass it to the workflow functions. */
export interface Calls {
  verb: 'wait' | 'get' | 'result' | 'cancel' | 'execute' | 'start';
  cloud: never;
  defaults: never;
  operationId: never;
  options: never;
  method: never;
  request: never;
}

export async function call({ verb, cloud, defaults, operationId, options, method, request }: Calls): Promise<unknown> {
  const given = operations(cloud, defaults);
  switch (verb) {
    case 'wait':
      return given.wait(operationId, options);
    case 'get':
      return given.getHandle(operationId, method).get();
    case 'result':
      return given.getHandle(operationId, method).result(options);
    case 'cancel':
      return given.getHandle(operationId, method).cancel(options);
    case 'execute':
      return given.execute(method, request, options);
    case 'start':
      return (await given.start(method, request, options)).operation;
  }
}
