"""A project whose build waits until the test lets it go on."""

import json
import os

import harness


class Case(harness.Case):
    """A project whose build waits until a file lets it go on: no sleep, no race."""

    def setUp(self):
        super().setUp()
        self.gate = self.scratch / "gate"
        os.mkfifo(self.gate)
        self.write("Makefile", f"""\
all:
\t@echo begun
\t@seq 1 20000
\t@read line < "$${{GATE:-{self.gate}}}"
\t@seq 20001 40000
\t@echo done > product
""")
        self.write("wasmbuild.yaml", """\
version: 1
targets:
  native:
    description: waits
    toolchain: native
    build_dir: .
    steps:
      - {name: make, kind: make, argv: [make]}
    artifacts: [product]
""")
        self.start_agent()

    def open_gate(self, path=None):
        """Lets the build go on: opening the fifo waits until the build reads it."""
        with open(path or self.gate, "w") as gate:
            gate.write("go\n")

    def begin(self, *args):
        """Submits, and waits until the build's first line is there."""
        process = self.spawn("submit", "--target", "native", "--output", "json", *args)
        events = []
        for line in process.stdout:
            events.append(json.loads(line))
            if b"begun" in harness.log_of(events):
                return process, events
        self.fail(process.stderr.read())

    def build_id(self):
        return json.loads(self.ctl("list", "--output", "json").out)["builds"][0]["request"]["buildId"]

    def watch(self, *args, code=0):
        return self.ctl("watch", self.build_id(), "--output", "json", *args, code=code).events
