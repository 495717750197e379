"""What the servers of Google, Nebius and Temporal Cloud share: strict requests and scripted operations.

A server prints `{"port": N}` when ready, then a line of JSON for each request in the order of arrival: `method`,
`request` as the cloud's own classes read it, `headers` (the names) and `values` (of headers that hold no secret). It
stops on SIGTERM and when stdin ends, so that it never outlives whoever started it. A request with fields that the cloud
does not know is refused with INVALID_ARGUMENT.

The name of a resource, or the ID of an operation that nobody has started, is a script: `<behaviour>-<anything>-<n>ms`.
The operation runs for that long, or for 50 ms. All servers know these behaviours:

    ok         succeeds
    fail       fails with details
    lost       the first start begins the operation, but its reply is lost: UNAVAILABLE
    conflict   the first start is refused because another operation is running
    rate       the first start is refused because of a rate limit
    quota      every start is refused because of a quota
    refused    a start, or each poll, is refused with PERMISSION_DENIED
    foreign    polls are answered in the dialect that the second word names: `foreign-yandex`

Everything else is an unknown operation: NOT_FOUND.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import string
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NoReturn

import packages  # noqa: F401  for the imports of the generated modules

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

MILLISECOND = 1_000_000
OPEN_HEADERS = ('x-idempotency-key', 'x-goog-request-params', 'x-goog-user-project', 'temporal-cloud-api-version')


def timestamp(nanoseconds: int) -> Timestamp:
    result = Timestamp()
    result.FromNanoseconds(nanoseconds)
    return result


def status(code: grpc.StatusCode, message: str, *details: Message) -> Status:
    result = Status(code=code.value[0], message=message)
    for detail in details:
        result.details.add().Pack(detail)
    return result


def random_id(length: int) -> str:
    return ''.join(random.choices(string.ascii_lowercase + string.digits, k=length))


@dataclass
class Work:
    """What lies behind an operation: it runs until `ends_at`, and then has the outcome of its behaviour."""

    name: str
    id: str
    behaviour: str = ''
    cancelled: bool = False
    began_at: int = field(default_factory=time.time_ns)

    def __post_init__(self) -> None:
        self.behaviour = self.behaviour or self.name.split('-')[0]
        suffix = re.search(r'-(\d+)ms$', self.name)
        self.ends_at = self.began_at + (int(suffix[1]) if suffix else 50) * MILLISECOND

    @property
    def done(self) -> bool:
        return time.time_ns() >= self.ends_at

    def cancel(self) -> None:
        if not self.done:
            self.cancelled = True
            self.ends_at = time.time_ns()


class Call:
    """One request, with the means to refuse it."""

    def __init__(self, context: grpc.ServicerContext) -> None:
        self._context = context
        self.headers: Mapping[str, str] = dict(context.invocation_metadata())

    def refuse(self, code: grpc.StatusCode, message: str, *details: Message) -> NoReturn:
        if details:
            reply = status(code, message, *details)
            self._context.set_trailing_metadata((('grpc-status-details-bin', reply.SerializeToString()),))
        self._context.abort(code, message)
        raise AssertionError('abort raises')


class Works:
    """All operations by ID. Requests are served by several threads."""

    def __init__(self, behaviours: set[str]) -> None:
        self._behaviours = behaviours
        self._lock = threading.RLock()
        self._works: dict[str, Work] = {}
        self._marks: dict[str, Work] = {}
        self._counts: dict[str, int] = {}

    def count(self, key: str) -> int:
        """How often this has been called with the key, with this call."""
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + 1
            return self._counts[key]

    def start(self, mark: str | None, begin: Callable[[], Work]) -> Work:
        """A repeated mark gets the operation that the first one started."""
        with self._lock:
            work = self._marks.get(mark) if mark else None
            if work is None:
                work = begin()
                self._works[work.id] = work
                if mark:
                    self._marks[mark] = work
            return work

    def find(self, id: str) -> Work | None:
        """An operation that was started, or that the last segment of its ID describes."""
        with self._lock:
            work = self._works.get(id)
            if work is None:
                name = id.rpartition('/')[2]
                if name.split('-')[0] not in self._behaviours:
                    return None
                work = self._works[id] = Work(name, id)
            return work


Method = tuple[type[Message], Callable[[Message, Call], Message | bytes]]


class Service(grpc.GenericRpcHandler):
    def __init__(self, methods: Mapping[str, Method]) -> None:
        self._methods = methods
        self._lock = threading.Lock()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        path = details.method
        if path not in self._methods:
            return None
        request_class, reply = self._methods[path]

        def serve(body: bytes, context: grpc.ServicerContext) -> bytes:
            call = Call(context)
            request = self._read(path, request_class, body, call)
            result = reply(request, call)
            return result if isinstance(result, bytes) else result.SerializeToString()

        return grpc.unary_unary_rpc_method_handler(serve)

    def _read(self, path: str, request_class: type[Message], body: bytes, call: Call) -> Message:
        try:
            request = request_class.FromString(body)
        except DecodeError as error:
            call.refuse(grpc.StatusCode.INVALID_ARGUMENT, f'Not a {request_class.DESCRIPTOR.full_name}: {error}')
        known = request_class.FromString(body)
        known.DiscardUnknownFields()
        if known.ByteSize() != request.ByteSize():
            call.refuse(grpc.StatusCode.INVALID_ARGUMENT, f'Unknown fields in {request_class.DESCRIPTOR.full_name}')
        values = {name: call.headers[name] for name in OPEN_HEADERS if name in call.headers}
        line = {'method': path, 'request': MessageToDict(request), 'headers': sorted(call.headers), 'values': values}
        with self._lock:
            print(json.dumps(line), flush=True)
        return request


def serve(methods: Mapping[str, Method]) -> None:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())

    def stop_with_stdin() -> None:
        # Not sys.stdin: a thread that holds its lock makes the interpreter abort at exit.
        while os.read(0, 1024):
            pass
        stopped.set()

    threading.Thread(target=stop_with_stdin, daemon=True).start()
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers((Service(methods),))
    port = server.add_insecure_port('127.0.0.1:0')
    server.start()
    print(json.dumps({'port': port}), flush=True)
    stopped.wait()
    server.stop(grace=None).wait()
