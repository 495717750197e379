"""A finished operation as each cloud's own classes encode it, for the server of another cloud to reply with."""

from __future__ import annotations

import packages  # noqa: F401  for the imports of the generated modules

from google.longrunning.operations_pb2 import Operation as GoogleOperation
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from nebius.api.nebius.common.v1.operation_pb2 import Operation as NebiusOperation
from temporalio.api.cloud.cloudservice.v1.request_response_pb2 import GetAsyncOperationResponse
from temporalio.api.cloud.operation.v1.message_pb2 import AsyncOperation
from yandex.cloud.operation.operation_pb2 import Operation as YandexOperation

BEGAN = Timestamp(seconds=1767225600)
ENDED = Timestamp(seconds=1767225660)


def message_of(dialect: str, id: str) -> Message:
    return MESSAGES[dialect](id)


def operation_of(dialect: str, id: str) -> bytes:
    return message_of(dialect, id).SerializeToString()


def yandex(id: str) -> YandexOperation:
    operation = YandexOperation(id=id, description='Create disk', created_at=BEGAN, modified_at=ENDED, done=True)
    operation.response.Pack(Empty())
    return operation


def google(id: str) -> GoogleOperation:
    operation = GoogleOperation(name=id, done=True)
    operation.metadata.Pack(Empty())
    operation.response.Pack(Empty())
    return operation


def nebius(id: str) -> NebiusOperation:
    operation = NebiusOperation(
        id=id,
        description='Create network',
        created_at=BEGAN,
        created_by='me',
        finished_at=ENDED,
        resource_id='network-1',
    )
    operation.request.Pack(Empty())
    operation.status.SetInParent()
    return operation


def temporal_cloud(id: str) -> GetAsyncOperationResponse:
    return GetAsyncOperationResponse(
        async_operation=AsyncOperation(
            id=id,
            state=AsyncOperation.STATE_FULFILLED,
            operation_type='CreateNamespaceOperation',
            started_time=BEGAN,
            finished_time=ENDED,
        )
    )


MESSAGES = {'yandex': yandex, 'google': google, 'nebius': nebius, 'temporalCloud': temporal_cloud}
