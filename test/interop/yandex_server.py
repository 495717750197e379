"""A cloud on a loopback port whose messages Yandex's own generated code reads and writes.

Prints `{"port": N}` when ready, then a line of JSON for each request that changes something, in the order of their
arrival. Stops on SIGTERM and when stdin ends, so that it never outlives whoever started it.

An operation runs for a second; a name or id that ends in `-<n>ms` or `-<n>s` says otherwise. `ClusterService.Create`
starts one that fails if the cluster's name begins with `fail-`. Other operations come into being when first asked for,
and the beginning of their id says what they do:

    disk-       creates a yandex.cloud.compute.v1.Disk; can be cancelled
    instance-   creates a yandex.cloud.compute.v1.Instance; can be cancelled
    storage-    creates a yandex.cloud.storage.v1.Bucket; Cancel is not implemented
    rollback-   creates an Instance, has failed and is being rolled back; then it is done

With the public half of a service account's authorized key as its argument, JSON `{"id", "service_account_id", "audience",
"n", "e"}` whose numbers are base64url, it takes only calls with a token that IamTokenService has given for a JWT of that
key, and no token where none belongs: with calls of IamTokenService and ApiEndpointService.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import string
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Callable, NoReturn

import jwts

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import BoolValue, Int64Value, StringValue
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import BadRequest, RequestInfo
from google.rpc.status_pb2 import Status
from google.type import dayofweek_pb2
from google.type.timeofday_pb2 import TimeOfDay
from yandex.cloud.compute.v1 import disk_pb2, instance_pb2, maintenance_pb2
from yandex.cloud.compute.v1.disk_service_pb2 import CreateDiskMetadata
from yandex.cloud.compute.v1.instance_service_pb2 import CreateInstanceMetadata
from yandex.cloud.endpoint import api_endpoint_service_pb2 as endpoint_service
from yandex.cloud.endpoint import api_endpoint_service_pb2_grpc as endpoint_grpc
from yandex.cloud.endpoint.api_endpoint_pb2 import ApiEndpoint
from yandex.cloud.iam.v1 import iam_token_service_pb2 as token_service
from yandex.cloud.iam.v1 import iam_token_service_pb2_grpc as token_grpc
from yandex.cloud.k8s.v1 import cluster_pb2, version_pb2
from yandex.cloud.k8s.v1 import cluster_service_pb2 as cluster_service
from yandex.cloud.k8s.v1 import cluster_service_pb2_grpc as cluster_grpc
from yandex.cloud.k8s.v1 import maintenance_pb2 as k8s_maintenance_pb2
from yandex.cloud.operation import operation_service_pb2 as operation_service
from yandex.cloud.operation import operation_service_pb2_grpc as operation_grpc
from yandex.cloud.operation.operation_pb2 import Operation
from yandex.cloud.quota.quota_pb2 import QuotaFailure, QuotaMetric
from yandex.cloud.storage.v1 import bucket_pb2
from yandex.cloud.storage.v1.bucket_service_pb2 import CreateBucketMetadata

FOLDER_ID = 'b1gvmob95yysaplct532'
SERVICE_ACCOUNT_ID = 'ajeo3rq1u5gl41vqdj6e'
REQUEST_ID = '5c1f9a0e-7c0b-4a1b-9f0e-2d6f5d3a1b7c'
SECOND = 1_000_000_000

NOT_SUPPORTED = (grpc.StatusCode.FAILED_PRECONDITION, 'The operation does not support cancellation')

# JavaScript's numbers skip it: it survives only as a string.
ODD_INT64 = 9_007_199_254_740_993


def timestamp(nanoseconds: int) -> Timestamp:
    result = Timestamp()
    result.FromNanoseconds(nanoseconds)
    return result


def duration_of(name: str) -> int:
    """Nanoseconds that the operation on a resource of this name takes."""
    suffix = re.search(r'-(\d+)(ms|s)$', name)
    return int(suffix[1]) * (SECOND // 1000 if suffix[2] == 'ms' else SECOND) if suffix else SECOND


def status(code: int, message: str, *details: Message) -> Status:
    result = Status(code=code, message=message)
    for detail in details:
        result.details.add().Pack(detail)
    return result


@dataclass
class Work:
    """What lies behind an operation: it runs until `ends_at`, and then is done with its outcome."""

    description: str
    metadata: Message
    outcome: Message  # a google.rpc.Status or the response
    duration: int
    refuses_cancel: tuple[grpc.StatusCode, str] | None = None
    rolls_back: bool = False
    id: str = ''
    began_at: int = field(default_factory=time.time_ns)

    def __post_init__(self) -> None:
        self.ends_at = self.began_at + self.duration

    @property
    def done(self) -> bool:
        return time.time_ns() >= self.ends_at

    def cancel(self) -> None:
        self.outcome = status(code_pb2.CANCELLED, 'The operation was cancelled.')
        self.ends_at = time.time_ns()

    def operation(self) -> Operation:
        done = self.done
        result = Operation(
            id=self.id,
            description=self.description,
            created_at=timestamp(self.began_at),
            created_by=SERVICE_ACCOUNT_ID,
            modified_at=timestamp(self.ends_at if done else self.began_at),
            done=done,
        )
        result.metadata.Pack(self.metadata)
        if isinstance(self.outcome, Status):
            if done or self.rolls_back:
                result.error.CopyFrom(self.outcome)
        elif done:
            result.response.Pack(self.outcome)
        return result


def disk(name: str) -> Work:
    response = disk_pb2.Disk(
        id=f'fhm-{name}',
        folder_id=FOLDER_ID,
        created_at=Timestamp(seconds=1717243200, nanos=120_000_000),
        name=name,
        labels={'environment': 'test'},
        type_id='network-ssd',
        zone_id='ru-central1-a',
        size=ODD_INT64,
        block_size=4096,
        product_ids=['f2ebfhrshe5m6i4saf1j'],
        status=disk_pb2.Disk.READY,
        source_image_id='fd80viupr3qjr5g6g9du',
        disk_placement_policy=disk_pb2.DiskPlacementPolicy(placement_group_id='fd8pg', placement_group_partition=2),
    )
    return Work('Create disk', CreateDiskMetadata(disk_id=response.id), response, duration_of(name))


def instance(name: str) -> Work:
    response = instance_pb2.Instance(
        id=f'fhm-{name}',
        folder_id=FOLDER_ID,
        created_at=Timestamp(seconds=1717243200, nanos=1),
        name=name,
        zone_id='ru-central1-a',
        platform_id='standard-v3',
        resources=instance_pb2.Resources(memory=4 << 30, cores=2, core_fraction=100),
        status=instance_pb2.Instance.RUNNING,
        metadata={'user-data': '#cloud-config\nhostname: тест\n'},
        boot_disk=instance_pb2.AttachedDisk(
            mode=instance_pb2.AttachedDisk.READ_WRITE, device_name='boot', auto_delete=True, disk_id='fhm-boot'
        ),
        network_interfaces=[
            instance_pb2.NetworkInterface(
                index='0',
                mac_address='d0:0d:1a:2b:3c:4d',
                subnet_id='e9b7a3k9rqnqk8m3s0fh',
                primary_v4_address=instance_pb2.PrimaryAddress(
                    address='10.128.0.3',
                    one_to_one_nat=instance_pb2.OneToOneNat(address='203.0.113.7', ip_version=instance_pb2.IPV4),
                ),
            )
        ],
        fqdn=f'{name}.ru-central1.internal',
        scheduling_policy=instance_pb2.SchedulingPolicy(preemptible=False),
        maintenance_policy=maintenance_pb2.MIGRATE,
        maintenance_grace_period=Duration(seconds=90, nanos=500_000_000),
        metadata_options=instance_pb2.MetadataOptions(gce_http_endpoint=instance_pb2.ENABLED),
    )
    return Work('Create instance', CreateInstanceMetadata(instance_id=response.id), response, duration_of(name))


def rollback(name: str) -> Work:
    work = instance(name)
    work.outcome = status(code_pb2.INTERNAL, 'Not enough compute in ru-central1-a.', RequestInfo(request_id=REQUEST_ID))
    work.rolls_back = True
    return work


def bucket(name: str) -> Work:
    response = bucket_pb2.Bucket(
        id=name,
        name=name,
        folder_id=FOLDER_ID,
        # A wrapper tells false from absent: `list` is one, `config_read` the other.
        anonymous_access_flags=bucket_pb2.AnonymousAccessFlags(read=BoolValue(value=True), list=BoolValue(value=False)),
        default_storage_class='STANDARD',
        versioning=bucket_pb2.VERSIONING_ENABLED,
        max_size=ODD_INT64,
        created_at=Timestamp(seconds=1717243200, nanos=123_456_789),
        cors=[
            bucket_pb2.CorsRule(
                allowed_methods=[bucket_pb2.CorsRule.METHOD_GET, bucket_pb2.CorsRule.METHOD_PUT],
                allowed_origins=['https://example.com'],
                max_age_seconds=Int64Value(value=600),
            )
        ],
        lifecycle_rules=[
            bucket_pb2.LifecycleRule(
                id=StringValue(value='logs'),
                enabled=True,
                filter=bucket_pb2.LifecycleRule.RuleFilter(prefix='logs/'),
                expiration=bucket_pb2.LifecycleRule.Expiration(days=Int64Value(value=30)),
            )
        ],
        tags=[bucket_pb2.Tag(key='environment', value='test')],
    )
    response.policy.update({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Weight': 0.5, 'Id': None}]})
    refusal = (grpc.StatusCode.UNIMPLEMENTED, 'Object Storage does not support cancelling operations')
    return Work('Create bucket', CreateBucketMetadata(name=name), response, duration_of(name), refusal)


def creation(request: cluster_service.CreateClusterRequest) -> Work:
    cluster_id = f'cat{random_id(17)}'
    failed = request.name.startswith('fail-')
    return Work(
        'Create cluster',
        cluster_service.CreateClusterMetadata(cluster_id=cluster_id),
        quota_exceeded() if failed else cluster(cluster_id, request),
        duration_of(request.name),
        NOT_SUPPORTED,
    )


def quota_exceeded() -> Status:
    return status(
        code_pb2.RESOURCE_EXHAUSTED,
        'Quota limit managed-kubernetes.clusters.count exceeded',
        BadRequest(
            field_violations=[BadRequest.FieldViolation(field='folder_id', description='the folder has no room left')]
        ),
        QuotaFailure(
            violations=[
                QuotaFailure.Violation(
                    metric=QuotaMetric(name='managed-kubernetes.clusters.count', limit=8, usage=8.0), required=9
                )
            ]
        ),
        RequestInfo(request_id=REQUEST_ID),
    )


def cluster(cluster_id: str, request: cluster_service.CreateClusterRequest) -> cluster_pb2.Cluster:
    result = cluster_pb2.Cluster(
        id=cluster_id,
        folder_id=request.folder_id,
        created_at=timestamp(time.time_ns()),
        name=request.name,
        description=request.description,
        labels=request.labels,
        status=cluster_pb2.Cluster.RUNNING,
        health=cluster_pb2.Cluster.HEALTHY,
        network_id=request.network_id,
        master=master(request.master_spec),
        ip_allocation_policy=cluster_pb2.IPAllocationPolicy(
            cluster_ipv4_cidr_block='10.112.0.0/16', node_ipv4_cidr_mask_size=24, service_ipv4_cidr_block='10.96.0.0/16'
        ),
        service_account_id=request.service_account_id,
        node_service_account_id=request.node_service_account_id,
        release_channel=request.release_channel or cluster_pb2.REGULAR,
        network_policy=cluster_pb2.NetworkPolicy(provider=cluster_pb2.NetworkPolicy.CALICO),
        kms_provider=cluster_pb2.KMSProvider(key_id='abjfkd4ib1gtgjk41q1s'),
        log_group_id='e23s0nvr2ajm5rh5dk5h',
        cilium=cluster_pb2.Cilium(routing_mode=cluster_pb2.Cilium.TUNNEL),
        scheduled_maintenance=k8s_maintenance_pb2.ScheduledMaintenance(
            delayed_until=Timestamp(seconds=1767225600), description='Upgrade to 1.32'
        ),
    )
    if request.gateway_ipv4_address:
        result.gateway_ipv4_address = request.gateway_ipv4_address
    return result


def master(spec: cluster_service.MasterSpec) -> cluster_pb2.Master:
    result = cluster_pb2.Master(
        etcd_cluster_size=3,
        version=spec.version or '1.31',
        endpoints=cluster_pb2.MasterEndpoints(
            internal_v4_endpoint='https://10.128.0.10', external_v4_endpoint='https://203.0.113.10'
        ),
        master_auth=cluster_pb2.MasterAuth(
            cluster_ca_certificate='-----BEGIN CERTIFICATE-----\nMIIC5zCCAc8=\n-----END CERTIFICATE-----\n'
        ),
        version_info=version_pb2.VersionInfo(current_version='1.31', new_revision_available=True),
        maintenance_policy=cluster_pb2.MasterMaintenancePolicy(
            auto_upgrade=True,
            maintenance_window=k8s_maintenance_pb2.MaintenanceWindow(
                weekly_maintenance_window=k8s_maintenance_pb2.WeeklyMaintenanceWindow(
                    days_of_week=[
                        k8s_maintenance_pb2.DaysOfWeekMaintenanceWindow(
                            days=[dayofweek_pb2.MONDAY, dayofweek_pb2.SUNDAY],
                            start_time=TimeOfDay(hours=22, minutes=30),
                            duration=Duration(seconds=3 * 3600),
                        )
                    ]
                )
            ),
        ),
        security_group_ids=spec.security_group_ids,
        resources=cluster_pb2.MasterResources(cores=2, core_fraction=100, memory=8 << 30),
        scale_policy=cluster_pb2.MasterScalePolicy(
            fixed_scale=cluster_pb2.MasterScalePolicy.FixedScale(resource_preset_id='s-c2-m8')
        ),
    )
    if spec.HasField('regional_master_spec'):
        result.regional_master.region_id = spec.regional_master_spec.region_id
        result.regional_master.internal_v4_address = '10.128.0.10'
        zones = [location.zone_id for location in spec.regional_master_spec.locations]
    else:
        result.zonal_master.zone_id = spec.zonal_master_spec.zone_id or 'ru-central1-a'
        result.zonal_master.internal_v4_address = '10.128.0.10'
        zones = [result.zonal_master.zone_id]
    result.locations.extend(cluster_pb2.Location(zone_id=zone, subnet_id='e9b7a3k9rqnqk8m3s0fh') for zone in zones)
    return result


def random_id(length: int) -> str:
    return ''.join(random.choices(string.ascii_lowercase + string.digits, k=length))


BY_PREFIX: dict[str, Callable[[str], Work]] = {
    'disk': disk,
    'instance': instance,
    'storage': bucket,
    'rollback': rollback,
}


class Operations:
    """All operations by id. Requests are served by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._works: dict[str, Work] = {}
        self._started: dict[str, Work] = {}

    def start(self, context: grpc.ServicerContext, begin: Callable[[], Work]) -> Operation:
        """A repeated idempotency key gets the operation that the first one started, as it is now."""
        key = dict(context.invocation_metadata()).get('idempotency-key')
        with self._lock:
            work = self._started.get(key) if key else None
            if work is None:
                work = begin()
                work.id = f'cat{random_id(17)}'
                self._works[work.id] = work
                if key:
                    self._started[key] = work
            return work.operation()

    def get(self, context: grpc.ServicerContext, operation_id: str) -> Operation:
        with self._lock:
            return self._find(context, operation_id).operation()

    def cancel(self, context: grpc.ServicerContext, operation_id: str) -> Operation:
        with self._lock:
            work = self._find(context, operation_id)
            if work.refuses_cancel:
                context.abort(*work.refuses_cancel)
            if not work.done:
                work.cancel()
            return work.operation()

    def _find(self, context: grpc.ServicerContext, operation_id: str) -> Work:
        work = self._works.get(operation_id)
        if work is None:
            prefix, _, name = operation_id.partition('-')
            if prefix not in BY_PREFIX or not name:
                context.abort(grpc.StatusCode.NOT_FOUND, f'Operation {operation_id} not found')
            work = BY_PREFIX[prefix](name)
            work.id = operation_id
            self._works[operation_id] = work
        return work


class Requests:
    """Tells on stdout what arrived, as this side reads it. Of the headers only names: values may be secrets."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def record(self, method: str, request: Message, context: grpc.ServicerContext) -> None:
        headers = dict(context.invocation_metadata())
        call = {'method': method, 'request': MessageToDict(request), 'headers': sorted(headers)}
        if 'idempotency-key' in headers:
            call['idempotencyKey'] = headers['idempotency-key']
        with self._lock:
            print(json.dumps(call), flush=True)


class OperationService(operation_grpc.OperationServiceServicer):
    def __init__(self, operations: Operations, requests: Requests) -> None:
        self._operations = operations
        self._requests = requests

    def Get(self, request: operation_service.GetOperationRequest, context: grpc.ServicerContext) -> Operation:
        return self._operations.get(context, request.operation_id)

    def Cancel(self, request: operation_service.CancelOperationRequest, context: grpc.ServicerContext) -> Operation:
        self._requests.record('/yandex.cloud.operation.OperationService/Cancel', request, context)
        return self._operations.cancel(context, request.operation_id)


class ClusterService(cluster_grpc.ClusterServiceServicer):
    def __init__(self, operations: Operations, requests: Requests) -> None:
        self._operations = operations
        self._requests = requests

    def Create(self, request: cluster_service.CreateClusterRequest, context: grpc.ServicerContext) -> Operation:
        self._requests.record('/yandex.cloud.k8s.v1.ClusterService/Create', request, context)
        if not request.folder_id:
            refuse_field(context, 'folder_id', 'Field is required')
        return self._operations.start(context, lambda: creation(request))

    def Delete(self, request: cluster_service.DeleteClusterRequest, context: grpc.ServicerContext) -> Operation:
        self._requests.record('/yandex.cloud.k8s.v1.ClusterService/Delete', request, context)
        if not request.cluster_id:
            refuse_field(context, 'cluster_id', 'Field is required')
        metadata = cluster_service.DeleteClusterMetadata(cluster_id=request.cluster_id)
        duration = duration_of(request.cluster_id)
        return self._operations.start(
            context, lambda: Work('Delete cluster', metadata, Empty(), duration, NOT_SUPPORTED)
        )


def refuse_field(context: grpc.ServicerContext, name: str, description: str) -> NoReturn:
    message = f'Request validation error: {name}: {description}'
    violation = BadRequest.FieldViolation(field=name, description=description)
    details = status(
        code_pb2.INVALID_ARGUMENT,
        message,
        RequestInfo(request_id=REQUEST_ID),
        BadRequest(field_violations=[violation]),
    )
    context.set_trailing_metadata((('grpc-status-details-bin', details.SerializeToString()),))
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, message)


class ApiEndpointService(endpoint_grpc.ApiEndpointServiceServicer):
    """Everything is here."""

    address = ''

    def List(
        self, request: endpoint_service.ListApiEndpointsRequest, context: grpc.ServicerContext
    ) -> endpoint_service.ListApiEndpointsResponse:
        ids = ('operation', 'iam', 'managed-kubernetes')
        return endpoint_service.ListApiEndpointsResponse(
            endpoints=[ApiEndpoint(id=id, address=self.address) for id in ids]
        )


class IamTokenService(token_grpc.IamTokenServiceServicer):
    """Gives a token for a JWT that the account's key has signed."""

    def __init__(self, account: dict[str, str], requests: Requests) -> None:
        self._account = account
        self._requests = requests
        self.tokens: set[str] = set()

    def Create(
        self, request: token_service.CreateIamTokenRequest, context: grpc.ServicerContext
    ) -> token_service.CreateIamTokenResponse:
        # Not the request itself: it holds the JWT.
        self._requests.record('/yandex.cloud.iam.v1.IamTokenService/Create', Empty(), context)
        problem = 'no JWT' if request.WhichOneof('identity') != 'jwt' else jwt_problem(request.jwt, self._account)
        if problem:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, f'The JWT is refused: {problem}')
        token = f't1.{random_id(60)}.{random_id(86)}'
        self.tokens.add(token)
        expires_at = timestamp(time.time_ns() + 12 * 3600 * SECOND)
        return token_service.CreateIamTokenResponse(iam_token=token, expires_at=expires_at)


def jwt_problem(jwt: str, account: dict[str, str]) -> str | None:
    header, claims, signed, signature = jwts.parts(jwt)
    if header != {'alg': 'PS256', 'typ': 'JWT', 'kid': account['id']}:
        return f'header {header}'
    if claims['iss'] != account['service_account_id'] or claims['aud'] != account['audience']:
        return f"iss {claims['iss']}, aud {claims['aud']}"
    if not claims['iat'] <= time.time() < claims['exp'] <= claims['iat'] + 3600:
        return f"iat {claims['iat']}, exp {claims['exp']}"
    return None if jwts.is_pss(signed, signature, *jwts.public_key(account)) else 'the signature is wrong'


class Guard(grpc.ServerInterceptor):
    """Lets calls through that carry a token if one belongs there, and none if not."""

    OPEN = ('/yandex.cloud.iam.v1.IamTokenService/', '/yandex.cloud.endpoint.ApiEndpointService/')

    def __init__(self, tokens: set[str]) -> None:
        self._tokens = tokens

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        authorization = dict(details.invocation_metadata).get('authorization')
        if details.method.startswith(self.OPEN):
            is_good = authorization is None
        else:
            is_good = authorization in {f'Bearer {token}' for token in self._tokens}
        if is_good:
            return continuation(details)
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: context.abort(grpc.StatusCode.UNAUTHENTICATED, 'The token is invalid')
        )


def main() -> None:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())

    def stop_with_stdin() -> None:
        # Not sys.stdin: a thread that holds its lock makes the interpreter abort at exit.
        while os.read(0, 1024):
            pass
        stopped.set()

    threading.Thread(target=stop_with_stdin, daemon=True).start()

    operations, requests, endpoints = Operations(), Requests(), ApiEndpointService()
    tokens = IamTokenService(json.loads(sys.argv[1]), requests) if len(sys.argv) > 1 else None
    interceptors = [Guard(tokens.tokens)] if tokens else []
    server = grpc.server(ThreadPoolExecutor(max_workers=8), interceptors=interceptors)
    endpoint_grpc.add_ApiEndpointServiceServicer_to_server(endpoints, server)
    if tokens:
        token_grpc.add_IamTokenServiceServicer_to_server(tokens, server)
    operation_grpc.add_OperationServiceServicer_to_server(OperationService(operations, requests), server)
    cluster_grpc.add_ClusterServiceServicer_to_server(ClusterService(operations, requests), server)
    port = server.add_insecure_port('127.0.0.1:0')
    endpoints.address = f'127.0.0.1:{port}'
    server.start()
    print(json.dumps({'port': port}), flush=True)
    stopped.wait()
    server.stop(grace=None).wait()


if __name__ == '__main__':
    main()
