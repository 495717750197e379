"""Nebius' VPC networks and their operations, with Nebius' own generated classes. See serving.py.

Nothing can be cancelled. More behaviours:

    cancelled   ends with CANCELLED
    aborted     ends with ABORTED because of a newer operation
    unit        the start is refused because of a conflict that a repeated call does not solve
    instant     is finished in the reply to the start
    empty       is finished in the reply to the start, and has no ID
    emptyfail   has failed in the reply to the start, and has no ID
    late        the resource is NOT_FOUND for the first three reads after the success
    gone        the resource is never found
    nobody      succeeds without the ID of a resource

With the public half of an authorized key as its argument, as yandex_server.py, it takes only calls with a token that
TokenExchangeService has given for a JWT of that key.
"""

from __future__ import annotations

import json
import sys

import serving
from serving import Call, Work, Works, random_id, status, timestamp

import grpc
from google.protobuf.message import Message
from nebius.api.nebius.common.v1 import error_pb2 as errors
from nebius.api.nebius.common.v1.operation_pb2 import Operation
from nebius.api.nebius.common.v1.operation_service_pb2 import GetOperationRequest
from nebius.api.nebius.common.v1.progress_tracker_pb2 import ProgressTracker
from nebius.api.nebius.vpc.v1 import network_pb2, network_service_pb2

import foreign
import nebius_tokens

Code = grpc.StatusCode
ServiceError = errors.ServiceError

works = Works({'ok', 'fail', 'refused', 'foreign', 'cancelled', 'aborted', 'late', 'gone', 'nobody'})
requests_of_operation: dict[str, Message] = {}


def refuse_start(name: str, call: Call) -> None:
    """Refuses a start as the script of its resource says."""
    behaviour = name.split('-')[0]
    conflict = errors.OperationConflict(conflicting_operation_id='vpcoperation-e00other', resource_id='vpcnetwork-e00x')
    if behaviour == 'refused':
        error = ServiceError(
            service='vpc',
            code='PermissionDenied',
            permission_denied=errors.PermissionDenied(resource_id='project-e00x'),
            retry_type=ServiceError.NOTHING,
        )
        call.refuse(Code.PERMISSION_DENIED, 'Permission denied', error)
    if behaviour == 'conflict' and works.count(name) <= 2:
        error = ServiceError(
            service='vpc', code='OperationConflict', operation_conflict=conflict, retry_type=ServiceError.CALL
        )
        call.refuse(Code.ABORTED, 'Another operation on the resource is running', error)
    if behaviour == 'unit':
        error = ServiceError(
            service='vpc', code='OperationConflict', operation_conflict=conflict, retry_type=ServiceError.UNIT_OF_WORK
        )
        call.refuse(Code.ABORTED, 'The resource has changed since it was read', error)
    if behaviour == 'rate' and works.count(name) == 1:
        error = ServiceError(
            service='vpc',
            code='TooManyRequests',
            too_many_requests=errors.TooManyRequests(violation='10 requests per second'),
            retry_type=ServiceError.CALL,
        )
        call.refuse(Code.RESOURCE_EXHAUSTED, 'Too many requests', error)
    if behaviour == 'quota':
        call.refuse(Code.RESOURCE_EXHAUSTED, 'Quota exceeded', quota_exceeded())


def quota_exceeded() -> ServiceError:
    violation = errors.QuotaFailure.Violation(
        quota='vpc.network.count', message='The limit of networks is reached', limit='2', requested='3'
    )
    return ServiceError(
        service='vpc',
        code='QuotaFailure',
        quota_failure=errors.QuotaFailure(violations=[violation]),
        retry_type=ServiceError.NOTHING,
    )


def start(name: str, resource_id: str, request: Message, call: Call) -> Message:
    key = call.headers.get('x-idempotency-key')

    def begin() -> Work:
        work = Work(name, f'vpcoperation-e00{random_id(16)}')
        requests_of_operation[work.id] = request
        if work.behaviour in ('instant', 'empty', 'emptyfail'):
            work.ends_at = work.began_at
        resources[work.id] = resource_id
        return work

    refuse_start(name, call)
    work = works.start(key, begin)
    if work.behaviour == 'lost' and works.count(work.id) == 1:
        call.refuse(Code.UNAVAILABLE, 'The service is unavailable')
    return operation(work)


resources: dict[str, str] = {}


def create(request: network_service_pb2.CreateNetworkRequest, call: Call) -> Message:
    if not request.metadata.parent_id:
        error = ServiceError(
            service='vpc',
            code='BadRequest',
            bad_request=errors.BadRequest(
                violations=[errors.BadRequest.Violation(field='metadata.parent_id', message='is required')]
            ),
            retry_type=ServiceError.NOTHING,
        )
        call.refuse(Code.INVALID_ARGUMENT, 'metadata.parent_id is required', error)
    return start(request.metadata.name, f'vpcnetwork-{request.metadata.name}', request, call)


def delete(request: network_service_pb2.DeleteNetworkRequest, call: Call) -> Message:
    return start(request.id.removeprefix('vpcnetwork-'), request.id, request, call)


def get(request: network_service_pb2.GetNetworkRequest, call: Call) -> Message:
    behaviour = request.id.removeprefix('vpcnetwork-').split('-')[0]
    if behaviour == 'gone' or (behaviour == 'late' and works.count(f'read {request.id}') <= 3):
        error = ServiceError(
            service='vpc',
            code='ResourceNotFound',
            resource_not_found=errors.ResourceNotFound(resource_id=request.id),
            retry_type=ServiceError.NOTHING,
        )
        call.refuse(Code.NOT_FOUND, f'Network {request.id} is not found', error)
    result = network_pb2.Network()
    result.metadata.id = request.id
    result.metadata.parent_id = 'project-e00x'
    result.metadata.name = request.id.removeprefix('vpcnetwork-')
    result.metadata.resource_version = 9_007_199_254_740_993
    result.metadata.labels['team'] = 'платформа'
    result.spec.ipv4_private_pools.pools.add(id='vpcpool-e00x')
    result.status.state = network_pb2.NetworkStatus.READY
    result.status.default_route_table_id = 'vpcroutetable-e00x'
    return result


def progress(work: Work) -> ProgressTracker:
    result = ProgressTracker(
        description='Creating the network',
        started_at=timestamp(work.began_at),
        work_done=ProgressTracker.WorkDone(total_tick_count=4, done_tick_count=4 if work.done else 1),
        steps=[ProgressTracker.Step(description='Reserving addresses', started_at=timestamp(work.began_at))],
    )
    if work.done:
        result.finished_at.CopyFrom(timestamp(work.ends_at))
    return result


def operation(work: Work) -> Operation:
    request = requests_of_operation.get(work.id)
    is_deletion = isinstance(request, network_service_pb2.DeleteNetworkRequest)
    result = Operation(
        id='' if work.behaviour in ('empty', 'emptyfail') else work.id,
        description='Delete network' if is_deletion else 'Create network',
        created_at=timestamp(work.began_at),
        created_by='serviceaccount-e00x',
        resource_id='' if work.behaviour == 'nobody' else resources.get(work.id, f'vpcnetwork-{work.name}'),
        progress_tracker=progress(work),
    )
    result.request_headers['x-request-id'].values.append('5c1f9a0e')
    if request is not None:
        result.request.Pack(request)
    # Nothing says that the data of the progress has a type of its own; this is a real message of this service.
    result.progress_data.Pack(network_pb2.NetworkStatus(state=network_pb2.NetworkStatus.CREATING))
    if not work.done:
        return result
    result.finished_at.CopyFrom(timestamp(work.ends_at))
    if work.behaviour in ('fail', 'emptyfail'):
        result.status.CopyFrom(status(Code.RESOURCE_EXHAUSTED, 'Quota exceeded', quota_exceeded()))
    elif work.behaviour == 'cancelled':
        result.status.CopyFrom(status(Code.CANCELLED, 'The operation was cancelled'))
    elif work.behaviour == 'aborted':
        aborted = errors.OperationAborted(
            operation_id=work.id, aborted_by_operation_id='vpcoperation-e00newer', resource_id=result.resource_id
        )
        error = ServiceError(
            service='vpc', code='OperationAborted', operation_aborted=aborted, retry_type=ServiceError.UNIT_OF_WORK
        )
        result.status.CopyFrom(status(Code.ABORTED, 'Aborted by a newer operation', error))
    else:
        # Present and empty: that is what success looks like.
        result.status.SetInParent()
    return result


def get_operation(request: GetOperationRequest, call: Call) -> Message | bytes:
    work = works.find(request.id)
    if work is None or not request.id:
        call.refuse(Code.NOT_FOUND, f'Operation {request.id} is not found')
    if work.behaviour == 'refused':
        call.refuse(Code.PERMISSION_DENIED, 'Permission denied', ServiceError(service='vpc', code='PermissionDenied'))
    if work.behaviour == 'foreign':
        return foreign.operation_of(work.name.split('-')[1], work.id)
    return operation(work)


METHODS: dict[str, serving.Method] = {
    '/nebius.common.v1.OperationService/Get': (GetOperationRequest, get_operation),
    '/nebius.vpc.v1.NetworkService/Get': (network_service_pb2.GetNetworkRequest, get),
    '/nebius.vpc.v1.NetworkService/Create': (network_service_pb2.CreateNetworkRequest, create),
    '/nebius.vpc.v1.NetworkService/Delete': (network_service_pb2.DeleteNetworkRequest, delete),
}

if __name__ == '__main__':
    serving.serve(nebius_tokens.guarded(METHODS, json.loads(sys.argv[1])) if len(sys.argv) > 1 else METHODS)
