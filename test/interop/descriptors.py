"""Writes the descriptors inside the generated modules of a package as one FileDescriptorSet.

Usage: python3 descriptors.py OUTPUT PACKAGE
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import packages  # noqa: F401  for the imports of the generated modules

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet


def generated_files(package: str) -> list[FileDescriptor]:
    """All files of the package and what they import, imports first."""
    files: dict[str, FileDescriptor] = {}

    def add(file: FileDescriptor) -> None:
        if file.name in files:
            return
        for dependency in file.dependencies:
            add(dependency)
        files[file.name] = file

    for root in map(Path, importlib.import_module(package).__path__):
        for path in sorted(root.rglob('*_pb2.py')):
            name = '.'.join((package, *path.relative_to(root).with_suffix('').parts))
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


def main(output: str, package: str) -> None:
    descriptors = FileDescriptorSet(file=map(to_proto, generated_files(package)))
    Path(output).write_bytes(descriptors.SerializeToString())
    services = sum(len(file.service) for file in descriptors.file)
    print(f'{len(descriptors.file)} files, {services} services')


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
