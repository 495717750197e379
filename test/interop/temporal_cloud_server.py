"""Temporal Cloud's namespaces and its operations, with Temporal's own generated classes. See serving.py.

Nothing can be cancelled. The ID of a started operation is the request's `async_operation_id`. A call without the header
`temporal-cloud-api-version` is refused. More behaviours:

    cancelled    ends as CANCELLED
    rejected     ends as REJECTED
    strange      has state 42 until it succeeds
    deprecated   has no state but `state_deprecated`, as older servers do
    silent       has neither state nor `state_deprecated` until it succeeds
    hint         asks for 400 ms between polls
    late         the namespace is NOT_FOUND for the first three reads after the success and ACTIVATING for the next two
    gone         the namespace is never found
"""

from __future__ import annotations

import uuid

import serving
from serving import Call, Work, Works, timestamp

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from temporalio.api.cloud.cloudservice.v1 import request_response_pb2 as cloud
from temporalio.api.cloud.namespace.v1 import message_pb2 as namespace_pb2
from temporalio.api.cloud.operation.v1.message_pb2 import AsyncOperation
from temporalio.api.cloud.resource.v1 import message_pb2 as resource_pb2

import foreign

Code = grpc.StatusCode

works = Works(
    {'ok', 'fail', 'refused', 'foreign', 'cancelled', 'rejected', 'strange', 'deprecated', 'silent', 'hint'}
)
requests_of_operation: dict[str, Message] = {}
specs: dict[str, namespace_pb2.NamespaceSpec] = {}


def refuse_start(name: str, call: Call) -> None:
    """Refuses a start as the script of its resource says."""
    behaviour = name.split('-')[0]
    if behaviour == 'refused':
        call.refuse(Code.PERMISSION_DENIED, 'unauthorized to create namespace')
    if behaviour == 'conflict' and works.count(name) == 1:
        call.refuse(Code.RESOURCE_EXHAUSTED, 'too many concurrent async operations for the account: the limit is 10')
    if behaviour == 'rate' and works.count(name) == 1:
        call.refuse(Code.RESOURCE_EXHAUSTED, 'rate limit exceeded')
    if behaviour == 'quota':
        call.refuse(Code.RESOURCE_EXHAUSTED, 'the number of namespaces has reached the limit of the account, 10')


def start(name: str, id: str, request: Message, call: Call) -> Work:
    check_version(call)

    def begin() -> Work:
        work = Work(name, id or str(uuid.uuid4()))
        requests_of_operation[work.id] = request
        return work

    refuse_start(name, call)
    work = works.start(id, begin)
    if work.behaviour == 'lost' and works.count(work.id) == 1:
        call.refuse(Code.UNAVAILABLE, 'upstream connect error')
    return work


def create_namespace(request: cloud.CreateNamespaceRequest, call: Call) -> Message:
    if not request.spec.name:
        call.refuse(Code.INVALID_ARGUMENT, 'namespace name is required')
    work = start(request.spec.name, request.async_operation_id, request, call)
    namespace = f'{request.spec.name}.a2dd6'
    if work.behaviour not in ('fail', 'rejected', 'cancelled'):
        specs[namespace] = request.spec
    return cloud.CreateNamespaceResponse(namespace=namespace, async_operation=operation(work))


def delete_namespace(request: cloud.DeleteNamespaceRequest, call: Call) -> Message:
    work = start(request.namespace.partition('.')[0], request.async_operation_id, request, call)
    return cloud.DeleteNamespaceResponse(async_operation=operation(work))


def get_namespace(request: cloud.GetNamespaceRequest, call: Call) -> Message:
    check_version(call)
    behaviour = request.namespace.split('-')[0]
    reads = works.count(f'read {request.namespace}') if behaviour == 'late' else 9
    if behaviour == 'gone' or request.namespace not in specs or reads <= 3:
        call.refuse(Code.NOT_FOUND, f'namespace {request.namespace} not found')
    state = resource_pb2.RESOURCE_STATE_ACTIVATING if reads <= 5 else resource_pb2.RESOURCE_STATE_ACTIVE
    result = namespace_pb2.Namespace(
        namespace=request.namespace,
        resource_version='3f8b',
        spec=specs[request.namespace],
        state=state,
        endpoints=namespace_pb2.Endpoints(grpc_address=f'{request.namespace}.tmprl.cloud:7233'),
        active_region='aws-us-east-1',
    )
    result.created_time.FromSeconds(1767225600)
    return cloud.GetNamespaceResponse(namespace=result)


def get_namespaces(request: cloud.GetNamespacesRequest, call: Call) -> Message:
    """Only by name."""
    check_version(call)
    found = [namespace for namespace, spec in specs.items() if spec.name == request.name]
    return cloud.GetNamespacesResponse(
        namespaces=[namespace_pb2.Namespace(namespace=namespace, spec=specs[namespace]) for namespace in found]
    )


def operation(work: Work) -> AsyncOperation:
    request = requests_of_operation.get(work.id)
    result = AsyncOperation(
        id=work.id,
        operation_type='DeleteNamespaceOperation'
        if isinstance(request, cloud.DeleteNamespaceRequest)
        else 'CreateNamespaceOperation',
        check_duration=Duration(nanos=400_000_000 if work.behaviour == 'hint' else 1_000_000),
        started_time=timestamp(work.began_at),
    )
    if request is not None:
        result.operation_input.Pack(request)
    if work.done:
        result.finished_time.CopyFrom(timestamp(work.ends_at))
    if work.behaviour == 'deprecated':
        result.state_deprecated = 'fulfilled' if work.done else 'in_progress'
    elif not work.done:
        # An enum of proto3 is open: a newer server may send any number.
        result.state = {'strange': 42, 'silent': AsyncOperation.STATE_UNSPECIFIED}.get(
            work.behaviour, AsyncOperation.STATE_IN_PROGRESS
        )
    else:
        result.state = {
            'fail': AsyncOperation.STATE_FAILED,
            'cancelled': AsyncOperation.STATE_CANCELLED,
            'rejected': AsyncOperation.STATE_REJECTED,
        }.get(work.behaviour, AsyncOperation.STATE_FULFILLED)
        result.failure_reason = {
            'fail': 'region aws-us-east-1 has no capacity',
            'cancelled': 'cancelled by an administrator',
            'rejected': 'namespace name is already taken',
        }.get(work.behaviour, '')
    return result


def check_version(call: Call) -> None:
    if not call.headers.get('temporal-cloud-api-version'):
        call.refuse(Code.INVALID_ARGUMENT, 'temporal-cloud-api-version header is required')


def get_async_operation(request: cloud.GetAsyncOperationRequest, call: Call) -> Message | bytes:
    check_version(call)
    work = works.find(request.async_operation_id)
    if work is None:
        call.refuse(Code.NOT_FOUND, f'async operation {request.async_operation_id} not found')
    if work.behaviour == 'refused':
        call.refuse(Code.PERMISSION_DENIED, 'unauthorized to read async operation')
    if work.behaviour == 'foreign':
        return foreign.operation_of(work.name.split('-')[1], work.id)
    return cloud.GetAsyncOperationResponse(async_operation=operation(work))


SERVICE = '/temporal.api.cloud.cloudservice.v1.CloudService'

if __name__ == '__main__':
    serving.serve(
        {
            f'{SERVICE}/GetAsyncOperation': (cloud.GetAsyncOperationRequest, get_async_operation),
            f'{SERVICE}/CreateNamespace': (cloud.CreateNamespaceRequest, create_namespace),
            f'{SERVICE}/DeleteNamespace': (cloud.DeleteNamespaceRequest, delete_namespace),
            f'{SERVICE}/GetNamespace': (cloud.GetNamespaceRequest, get_namespace),
            f'{SERVICE}/GetNamespaces': (cloud.GetNamespacesRequest, get_namespaces),
        }
    )
