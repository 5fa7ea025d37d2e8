#!/usr/bin/env python3
"""seed-ports.py ROOT SOURCES PORTS: put sources where emscripten would have unpacked what it downloads.

A port is up to date, and nothing is fetched, when PORTS/NAME/.emscripten_url holds the URL that tools/ports/NAME.py would
fetch, and its folder is the one that file looks into. Both are asked of that file itself.
"""
import importlib.util
import pathlib
import shutil
import sys


class Asked(Exception):
    pass


class Recorder:
    """Stands in for emscripten's Ports class, up to the question of what to fetch and where it would be."""

    url = ""

    def fetch_project(self, name, url, sha512hash=None):
        self.url = url


class Cache:
    """Calls what makes the library, with a Ports that tells the folder."""

    def get_lib(self, name, create, what=None):
        create("")


class Shared:
    cache = Cache()


class Settings:
    PTHREADS = 0


class Folders(Recorder):
    folder = ()

    def get_dir(self, *parts):
        self.folder = parts
        raise Asked


def main():
    root, sources, ports = (pathlib.Path(path) for path in sys.argv[1:])
    for name in ("zlib", "bzip2", "sqlite3"):
        spec = importlib.util.spec_from_file_location(name, root / "tools/ports" / (name + ".py"))
        port = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(port)
        answers = Folders()
        try:
            port.get(answers, Settings, Shared)
        except Asked:
            pass
        if not answers.url or not answers.folder:
            sys.exit(f"the port {name} does not say what it fetches")
        target = ports.joinpath(*answers.folder)
        shutil.rmtree(ports / name, ignore_errors=True)
        shutil.copytree(sources / name, target)
        (ports / name / ".emscripten_url").write_text(answers.url + "\n")
        print(f"port {name}: {target} stands for {answers.url}")


main()
