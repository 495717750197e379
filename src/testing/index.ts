// Entry 'temporal-lro/testing': a fake cloud and a Temporal server, for tests of workflows that use operations.
export { FakeCloud, type FakeCloudOptions } from './fake-cloud';
export type { ServedApi } from './dialects/served-api';
export type { FakeCloudCall, Interceptor } from './call-handler';
export type {
  CancelBehaviour,
  Fault,
  FaultEffect,
  OperationScript,
  Script,
  ScriptedError,
  UnaryReply,
  UnaryScript,
} from './script';
export { ClusterService, NetworkService, NodeGroupService } from './resources';
export { startTemporalServer, type TemporalServer, type TemporalServerOptions } from './temporal-server';
