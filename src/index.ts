// Entry 'temporal-lro': for workers and clients. Workflow code imports 'temporal-lro/workflow' instead.
export { OperationsPlugin } from './plugin';
export type { CloudOptions } from './cloud/options';
export type { OperationsApi } from './apis/api';
export { apiKey, iamToken, type Credentials } from './credentials/credentials';
export { serviceAccountKey, type ServiceAccountKeyOptions } from './apis/iam';
export { nebiusServiceAccountKey, type NebiusKey } from './apis/nebius-iam';
export { googleCredentials, type GoogleAuthLike } from './credentials/google';
export { metadataService, type MetadataServiceOptions } from './credentials/metadata-service';
export { googleCloud, nebius, nebiusIsrael, temporalCloud, yandexCloud, yandexCloudKazakhstan } from './cloud/presets';
export { OperationsClient, type CallOptions } from './client/operations-client';
export { OperationServiceError } from './apis/error';
export { operationFailure, type OperationFailure } from './model/failure';
export { operationWorkflowId } from './model/names';
export { operationProgress, type OperationProgress, type ProgressReader } from './model/progress';
export { operationSearchAttributes } from './model/names';
export {
  operationChanged,
  operationQuery,
  pollOperation,
  pollResource,
  resourceChanged,
  resourceQuery,
} from '../workflows/messages';
