"""What a target finds in its build dir, when others were there before, or a link is in its place."""

import json

import harness


def target(name, steps, **more):
    """One target of wasmbuild.yaml, which is YAML in its JSON spelling; steps are shell lines."""
    kinds = {"configure": "configure"}
    return {name: {"toolchain": "native",
                   "steps": [{"name": step, "kind": kinds.get(step, "make"), "argv": ["sh", "-c", line, step]}
                             for step, line in steps.items()], **more}}


class BuildDir(harness.Case):
    def setUp(self):
        super().setUp()
        self.write("main.c", "int main(void) { return 0; }\n")
        self.start_agent()
        self.victim = self.scratch / "victim"
        (self.victim / "build").mkdir(parents=True)
        (self.victim / "build/precious").write_text("mine")
        (self.victim / "main.c").write_text("mine")

    def targets(self, *targets):
        merged = {}
        for one in targets:
            merged.update(one)
        self.write("wasmbuild.yaml", json.dumps({"version": 1, "targets": merged}))

    def build(self, *args, target="app", code=0):
        """Builds; returns the log's lines and the events."""
        result = self.submit(*args, target=target, code=code)
        return harness.log_of(result.events).decode().splitlines(), result.events

    def product(self, path):
        return (self.src / "builddir" / path).read_text().strip()

    def assert_victim_is_as_it_was(self):
        files = {str(path.relative_to(self.victim)): path.read_text() for path in self.victim.rglob("*") if path.is_file()}
        self.assertEqual(files, {"build/precious": "mine", "main.c": "mine"})

    def test_a_link_of_the_checkout_is_no_way_to_the_build_dir(self):
        """Contained: nothing is removed or written behind it, with a warm workspace too."""
        (self.src / "out").symlink_to(self.victim)
        self.targets(target("app", {"configure": "echo configuring", "make": "echo made > app"},
                            build_dir="out/build", artifacts=["app"]))
        for _ in range(2):
            self.build()
            self.assertEqual(self.product("app/app"), "made")
            self.assert_victim_is_as_it_was()

    def test_a_build_cannot_lead_the_next_one_elsewhere(self):
        """Contained: the source root itself may be a link when the next build comes."""
        self.targets(target("app", {"make": f'cd ../..; src=$PWD; cd ..; test -e lured || {{ touch lured; mv "$src" "$src.x"; '
                                            f'ln -s {self.victim} "$src"; exit 1; }}; cat "$src/main.c"'}))
        self.build(code=1)
        log, _ = self.build()
        self.assertEqual(log, ["int main(void) { return 0; }"])
        self.assert_victim_is_as_it_was()

    def test_a_step_gets_no_folder_behind_a_link(self):
        (self.src / "elsewhere").symlink_to(self.victim)
        steps = [{"name": "make", "argv": ["true"], "directory": "elsewhere/new"}]
        self.targets({"app": {"toolchain": "native", "build_dir": ".", "steps": steps}})
        _, events = self.build(code=1)
        self.assertIn("elsewhere", events[-1]["ended"]["cause"]["summary"])
        self.assertFalse((self.victim / "new").exists())

    def test_a_build_dir_of_two_targets_is_not_mixed_up(self):
        """Right bytes: the products of one are never taken for the other's."""
        self.targets(*[target(name, {"configure": f"echo {name} > flags", "make": "test -e product || cp flags product"},
                              build_dir="build", artifacts=["product"]) for name in ("debug", "release")])
        for name in ("debug", "release", "debug"):
            self.build(target=name)
            self.assertEqual(self.product(f"{name}/product"), name)

    def test_what_is_needed_is_there_after_a_fresh_start_in_the_tree(self):
        """Incremental and true: a build in the tree that starts over makes what it needs again, and does not stay broken."""
        def configure(text):
            self.targets(target("tool", {"make": "echo making tool; echo tool > tool"}),
                         target("app", {"configure": f"echo {text}", "make": "cp builddir/tool/tool product"},
                                build_dir=".", needs=["tool"], artifacts=["product"]))
        configure("one")
        self.build()
        self.assertEqual(self.build()[0], [])
        configure("two")
        self.assertEqual(self.build()[0], ["making tool", "two"])
        self.assertEqual(self.build()[0], [])
        self.assertEqual(self.build("--clean")[0], ["making tool", "two"])
        self.assertEqual(self.product("app/product"), "tool")

    def test_a_build_dir_may_hold_sources(self):
        self.write("lib/lib.c", "int lib;\n")
        self.targets(target("app", {"configure": "echo configuring", "make": "cp lib.c made.c"},
                            build_dir="lib", artifacts=["*.c"]))
        self.assertEqual(self.build()[0], ["configuring"])
        self.assertEqual(self.build()[0], [])
        self.assertEqual(self.build("--clean")[0], ["configuring"])
        self.assertEqual([path.name for path in (self.src / "builddir/app").glob("*.c")], ["made.c"])

    def test_what_is_needed_is_made_again_with_other_make_arguments(self):
        self.targets(target("tool", {"configure": "true", "make": "echo tool: $*"}),
                     target("app", {"make": "true"}, needs=["tool"]))
        self.assertEqual(self.build()[0], ["tool:"])
        self.assertEqual(self.build()[0], [])
        self.assertEqual(self.build("--make-arg", "V=1")[0], [], "they are for what is asked for")
        self.assertEqual(self.build("--make-arg", "V=1", target="tool")[0], ["tool: V=1"])
        self.assertEqual(self.build()[0], ["tool:"])
        self.assertEqual(self.build()[0], [])

    def test_a_mistake_in_the_target_costs_no_warm_workspace(self):
        """Named, and incremental: a pattern that fits nothing and a program that is not there say where, and what was built stays."""
        def make(artifact, program):
            steps = [{"name": "make", "kind": "make", "argv": ["sh", "-c", "test -e app || { echo making; touch app; }"]},
                     {"name": "strip", "argv": [program, "app"]}]
            self.targets({"app": {"toolchain": "native", "steps": steps, "artifacts": [artifact], "inputs": ["main.c"],
                                  "build_dir": "."}})
        make("app", "true")
        self.assertEqual(self.build()[0], ["making"])
        make("ap", "true")
        log, events = self.build(code=1)
        self.assertEqual(log, [])
        self.assertEqual(events[-1]["ended"]["outcome"], "OUTCOME_FAILED")
        self.assertEqual(events[-1]["ended"]["cause"]["target"], "app")
        self.assertIn("no ap", events[-1]["ended"]["cause"]["summary"])
        make("app", "true")
        _, events = self.build()
        self.assertTrue(harness.first(events, "started")["warm"])
        make("app", "no-such-program")
        _, events = self.build(code=1)
        cause = events[-1]["ended"]["cause"]
        self.assertEqual((cause["target"], cause["step"], cause["exitCode"]), ("app", "strip", 127))
        ends = [event["stepEnded"] for event in events if "stepEnded" in event]
        self.assertEqual([end.get("exitCode", 0) for end in ends], [0, 127])
        make("app", "true")
        self.assertTrue(harness.first(self.build()[1], "started")["warm"])

    def test_a_full_disk_keeps_no_workspace(self):
        """Bounded: what filled the disk goes, or the next build could not even begin."""
        self.targets(target("app", {"make": "echo cc: No space left on device; exit 1"}))
        _, events = self.build(code=1)
        self.assertIn("disk is full", events[-1]["ended"]["cause"]["summary"])
        self.assertEqual(list((self.agent.state / "workspaces").glob("ws-*")), [])


if __name__ == "__main__":
    harness.main()
