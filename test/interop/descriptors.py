"""Writes the descriptors inside yandexcloud's generated modules as one FileDescriptorSet.

Usage: python3 descriptors.py OUTPUT
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import yandex
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

OPERATION = '.yandex.cloud.operation.Operation'


def generated_files() -> list[FileDescriptor]:
    """All files of the package and what they import, imports first."""
    files: dict[str, FileDescriptor] = {}

    def add(file: FileDescriptor) -> None:
        if file.name in files:
            return
        for dependency in file.dependencies:
            add(dependency)
        files[file.name] = file

    for root in map(Path, yandex.__path__):
        for path in sorted(root.rglob('*_pb2.py')):
            name = '.'.join(path.relative_to(root.parent).with_suffix('').parts)
            add(importlib.import_module(name).DESCRIPTOR)
    return list(files.values())


def json_name(field_name: str) -> str:
    """protoc's rule: each underscore goes and the letter after it becomes a capital."""
    first, *rest = field_name.split('_')
    return first + ''.join(part[:1].upper() + part[1:] for part in rest)


def fill_json_names(message: DescriptorProto) -> None:
    """protoc leaves `json_name` out of Python code, but a reader of a descriptor set counts on it."""
    for field in (*message.field, *message.extension):
        field.json_name = field.json_name or json_name(field.name)
    for nested in message.nested_type:
        fill_json_names(nested)


def to_proto(descriptor: FileDescriptor) -> FileDescriptorProto:
    file = FileDescriptorProto.FromString(descriptor.serialized_pb)
    for message in file.message_type:
        fill_json_names(message)
    for extension in file.extension:
        extension.json_name = extension.json_name or json_name(extension.name)
    return file


def main(output: str) -> None:
    descriptors = FileDescriptorSet(file=map(to_proto, generated_files()))
    Path(output).write_bytes(descriptors.SerializeToString())
    methods = [method for file in descriptors.file for service in file.service for method in service.method]
    starting = sum(method.output_type == OPERATION for method in methods)
    print(f'{len(descriptors.file)} files, {starting} methods that return {OPERATION[1:]}')


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
