"""Lets the generated modules of an SDK be imported without the SDK around them, whose own imports are not installed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder

# In these packages no `__init__.py` runs. All of them are plain directories otherwise.
WITHOUT_INIT = ('nebius', 'temporalio', 'google.cloud.redis_v1', 'google.cloud.redis_cluster_v1')


class PackagesWithoutInit:
    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        if not any(name == package or name.startswith(f'{package}.') for package in WITHOUT_INIT):
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.submodule_search_locations is None:
            return spec
        package = ModuleSpec(name, None, is_package=True)
        package.submodule_search_locations = list(spec.submodule_search_locations)
        return package


sys.meta_path.insert(0, PackagesWithoutInit)
