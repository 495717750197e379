"""Google Cloud's Memorystore for Redis and its operations, with Google's own generated classes. See serving.py.

`CloudRedis.CreateInstance` has no field that marks a repeated start, and `CloudRedisCluster.CreateCluster` has
`request_id`. More behaviours:

    deaf            accepts Cancel and goes on
    uncancellable   Cancel is not implemented
    busy            the first start is refused because of an operation that the message names
    neither         is done with neither a response nor an error
    mistyped        responds with another type than the method declares
    alien           responds with a type that no descriptor set has
"""

from __future__ import annotations

import time
import uuid
from urllib.parse import quote

import serving
from serving import Call, Work, Works, random_id, status, timestamp

import grpc
from google.cloud.redis_cluster_v1.types import cloud_redis_cluster as redis_cluster
from google.cloud.redis_v1.types import cloud_redis as redis
from google.longrunning import operations_pb2 as longrunning
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, Help, QuotaFailure, RetryInfo

import foreign

Code = grpc.StatusCode
LOCATION = 'projects/redpepper-1290/locations/us-central1'
BUSY_WITH = f'{LOCATION}/operations/ok-in-the-way-60ms'

works = Works(
    {'ok', 'fail', 'refused', 'foreign', 'deaf', 'uncancellable', 'neither', 'mistyped', 'alien'}
)
requests_of_operation: dict[str, Message] = {}


def quota_details() -> tuple[Message, ...]:
    metadata = {
        'service': 'redis.googleapis.com',
        'consumer': 'projects/123456789',
        'quota_metric': 'redis.googleapis.com/region_memory',
        'quota_limit_value': '16',
    }
    return (
        ErrorInfo(reason='RESOURCE_QUOTA_EXCEEDED', domain='googleapis.com', metadata=metadata),
        QuotaFailure(
            violations=[
                QuotaFailure.Violation(
                    subject='projects/123456789',
                    description='Quota region_memory exceeded. Limit: 16 GB in us-central1.',
                )
            ]
        ),
        Help(links=[Help.Link(description='Request a higher quota limit.', url='https://cloud.google.com/docs/quota')]),
    )


def refuse_start(name: str, call: Call) -> None:
    """Refuses a start as the script of its resource says."""
    behaviour = name.split('-')[0]
    if behaviour == 'refused':
        info = ErrorInfo(reason='IAM_PERMISSION_DENIED', domain='redis.googleapis.com', metadata={'resource': LOCATION})
        call.refuse(Code.PERMISSION_DENIED, f"Permission 'redis.instances.create' denied on '{LOCATION}'", info)
    if behaviour == 'conflict' and works.count(name) == 1:
        call.refuse(Code.ABORTED, 'unable to queue the operation')
    if behaviour == 'busy' and works.count(name) == 1:
        text = f'Operation {BUSY_WITH} is currently in progress. Try again once it is done.'
        call.refuse(Code.FAILED_PRECONDITION, text)
    if behaviour == 'rate' and works.count(name) == 1:
        metadata = {'service': 'redis.googleapis.com', 'quota_limit': 'WriteRequestsPerMinutePerProject'}
        call.refuse(
            Code.RESOURCE_EXHAUSTED,
            "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute' of service "
            "'redis.googleapis.com' for consumer 'project_number:123456789'.",
            ErrorInfo(reason='RATE_LIMIT_EXCEEDED', domain='googleapis.com', metadata=metadata),
            RetryInfo(retry_delay=Duration(nanos=30_000_000)),
        )
    if behaviour == 'quota':
        call.refuse(Code.RESOURCE_EXHAUSTED, 'Quota region_memory exceeded. Limit: 16 GB.', *quota_details())


def start(name: str, parent: str, request_id: str, request: Message, call: Call) -> longrunning.Operation:
    def begin() -> Work:
        if works.count(f'created {parent}/{name}') > 1:
            call.refuse(Code.ALREADY_EXISTS, f'Resource {parent}/{name} already exists')
        work = Work(name, f'{parent}/operations/operation-{random_id(13)}-{random_id(8)}')
        requests_of_operation[work.id] = request
        return work

    if request_id:
        if uuid.UUID(request_id).int == 0:
            call.refuse(Code.INVALID_ARGUMENT, 'request_id: the zero UUID is not supported')
    refuse_start(name, call)
    work = works.start(request_id, begin)
    if work.behaviour == 'lost' and works.count(work.id) == 1:
        call.refuse(Code.UNAVAILABLE, 'The service is currently unavailable.')
    return operation(work)


def create_instance(request: Message, call: Call) -> Message:
    for name in ('parent', 'instance_id'):
        if not getattr(request, name):
            violation = BadRequest.FieldViolation(field=name, description=f'{name} is required')
            call.refuse(Code.INVALID_ARGUMENT, f'{name} is required', BadRequest(field_violations=[violation]))
    return start(request.instance_id, request.parent, '', request, call)


def create_cluster(request: Message, call: Call) -> Message:
    return start(request.cluster_id, request.parent, request.request_id, request, call)


def delete_instance(request: Message, call: Call) -> Message:
    parent, _, name = request.name.partition('/instances/')
    return start(name, parent, '', request, call)


def get_instance(request: Message, call: Call) -> Message:
    name = request.name.rpartition('/')[2]
    if works.count(f'read {request.name}') <= 2 or name.startswith('gone'):
        call.refuse(Code.NOT_FOUND, f'Resource {request.name} was not found')
    return instance(request.name, redis.Instance.pb(redis.Instance(tier='BASIC', memory_size_gb=1)))


def instance(name: str, wanted: Message) -> Message:
    result = redis.Instance.pb(redis.Instance())
    result.CopyFrom(wanted)
    result.name = name
    result.state = redis.Instance.State.READY
    result.host, result.port = '10.0.0.3', 6379
    result.create_time.FromSeconds(1767225600)
    result.redis_version = result.redis_version or 'REDIS_7_2'
    return result


def response(request: Message | None, id: str) -> Message:
    """The resource that the request asked for; of an operation that nobody started, an instance."""
    parent = id.partition('/operations/')[0]
    if isinstance(request, redis.DeleteInstanceRequest.pb()):
        return Empty()
    if isinstance(request, redis_cluster.CreateClusterRequest.pb()):
        result = redis_cluster.Cluster.pb(redis_cluster.Cluster())
        result.CopyFrom(request.cluster)
        result.name = f'{request.parent}/clusters/{request.cluster_id}'
        result.state = redis_cluster.Cluster.State.ACTIVE
        return result
    if isinstance(request, redis.CreateInstanceRequest.pb()):
        return instance(f'{request.parent}/instances/{request.instance_id}', request.instance)
    return instance(f'{parent}/instances/found', redis.Instance.pb(redis.Instance(tier='BASIC', memory_size_gb=1)))


def metadata(work: Work, request: Message | None) -> Message:
    verb = 'delete' if isinstance(request, redis.DeleteInstanceRequest.pb()) else 'create'
    target = f'{work.id.partition("/operations/")[0]}/instances/{work.name}'
    create_time = timestamp(work.began_at)
    if isinstance(request, redis_cluster.CreateClusterRequest.pb()):
        return redis_cluster.OperationMetadata.pb(
            redis_cluster.OperationMetadata(
                create_time=create_time, target=target.replace('/instances/', '/clusters/'), verb=verb, api_version='v1'
            )
        )
    result = redis.OperationMetadata.pb(redis.OperationMetadata(target=target, verb=verb, api_version='v1'))
    result.create_time.CopyFrom(create_time)
    result.cancel_requested = work.cancelled
    if work.done:
        result.end_time.CopyFrom(timestamp(work.ends_at))
    return result


def operation(work: Work) -> longrunning.Operation:
    request = requests_of_operation.get(work.id)
    result = longrunning.Operation(name=work.id, done=work.done)
    result.metadata.Pack(metadata(work, request))
    if not work.done or work.behaviour == 'neither':
        return result
    if work.cancelled:
        result.error.CopyFrom(status(Code.CANCELLED, 'The operation was cancelled.'))
    elif work.behaviour == 'fail':
        result.error.CopyFrom(status(Code.RESOURCE_EXHAUSTED, 'Quota region_memory exceeded.', *quota_details()))
    elif work.behaviour == 'mistyped':
        result.response.Pack(longrunning.WaitOperationRequest(name=work.id))
    elif work.behaviour == 'alien':
        result.response.CopyFrom(Any(type_url='type.googleapis.com/google.cloud.redis.v9.Instance', value=b'\x0a\x01x'))
    else:
        result.response.Pack(response(request, work.id))
    return result


def found(name: str, call: Call) -> Work:
    if call.headers.get('x-goog-request-params') != f'name={quote(name, safe="")}':
        call.refuse(Code.INVALID_ARGUMENT, f'x-goog-request-params is {call.headers.get("x-goog-request-params")}')
    work = works.find(name)
    if work is None:
        call.refuse(Code.NOT_FOUND, f'Operation {name} was not found')
    if work.behaviour == 'refused':
        info = ErrorInfo(reason='IAM_PERMISSION_DENIED', domain='redis.googleapis.com')
        call.refuse(Code.PERMISSION_DENIED, f"Permission 'redis.operations.get' denied on '{name}'", info)
    return work


def get_operation(request: Message, call: Call) -> Message | bytes:
    work = found(request.name, call)
    if work.behaviour == 'foreign':
        return foreign.operation_of(work.name.split('-')[1], work.id)
    return operation(work)


def cancel_operation(request: Message, call: Call) -> Message:
    work = found(request.name, call)
    if work.behaviour == 'uncancellable':
        call.refuse(Code.UNIMPLEMENTED, 'Operation is not implemented, or supported, or enabled.')
    if work.behaviour != 'deaf':
        work.cancel()
    return Empty()


if __name__ == '__main__':
    works.start(BUSY_WITH, lambda: Work('ok-in-the-way-60ms', BUSY_WITH, began_at=time.time_ns()))
    serving.serve(
        {
            '/google.longrunning.Operations/GetOperation': (longrunning.GetOperationRequest, get_operation),
            '/google.longrunning.Operations/CancelOperation': (longrunning.CancelOperationRequest, cancel_operation),
            '/google.cloud.redis.v1.CloudRedis/GetInstance': (redis.GetInstanceRequest.pb(), get_instance),
            '/google.cloud.redis.v1.CloudRedis/CreateInstance': (redis.CreateInstanceRequest.pb(), create_instance),
            '/google.cloud.redis.v1.CloudRedis/DeleteInstance': (redis.DeleteInstanceRequest.pb(), delete_instance),
            '/google.cloud.redis.cluster.v1.CloudRedisCluster/CreateCluster': (
                redis_cluster.CreateClusterRequest.pb(),
                create_cluster,
            ),
        }
    )
