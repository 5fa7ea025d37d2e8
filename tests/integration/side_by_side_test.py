"""Several targets of one build: side by side where they can, with what they need built once."""

import json

import harness

# Waits, with a limit, for a sign of the other target: only targets that run at the same time see each other's.
MEET = "touch ../met-{0}; tries=0; until test -e ../met-{1}; do tries=$((tries + 1)); test $tries -lt 200 || exit 9; sleep 0.1; done"


def target(*lines, **more):
    steps = [{"name": f"step{number}", "kind": "make", "argv": ["sh", "-c", line]} for number, line in enumerate(lines)]
    return {"toolchain": "native", "steps": steps, **more}


class SideBySide(harness.Case):
    agent_flags = ("--jobs", "2")

    def setUp(self):
        super().setUp()
        self.start_agent()

    def build(self, targets, *args, code=0):
        self.write("wasmbuild.yaml", json.dumps({"version": 1, "targets": targets}))
        return self.submit(*args, target="all", code=code).events

    def test_independent_targets_run_at_the_same_time(self):
        targets = {"tool": target("echo made once > tool", artifacts=["tool"])}
        for one, other in (("left", "right"), ("right", "left")):
            targets[one] = target(MEET.format(one, other), "cp ../tool/tool product; echo $0 ${jobs}", needs=["tool"],
                                  artifacts=["product"])
        events = self.build(targets)
        self.assertEqual(harness.first([events[-1]], "ended")["outcome"], "OUTCOME_SUCCEEDED")
        for name in ("left", "right"):
            self.assertEqual((self.src / f"builddir/{name}/product").read_text(), "made once\n")
        started = [event["stepStarted"]["target"] for event in events if "stepStarted" in event]
        self.assertEqual(started.count("tool"), 1)
        # The log's bytes stand in one order for everybody.
        self.assertEqual(sorted(harness.log_of(events).decode().split("\n")), ["", "sh 1", "sh 1"])

    def test_with_one_job_they_run_one_after_the_other(self):
        targets = {name: target("true") for name in ("left", "right", "third")}
        events = self.build(targets, "--jobs", "1")
        depth = 0
        for event in events:
            depth += ("stepStarted" in event) - ("stepEnded" in event)
            self.assertLessEqual(depth, 1)

    def test_a_failure_lets_what_runs_finish_and_begins_nothing_new(self):
        go_on = self.scratch / "go-on"
        targets = {"bad": target(MEET.format("bad", "good") + "; exit 1"),
                   "good": target(MEET.format("good", "bad") + f"; until test -e {go_on}; do sleep 0.1; done; echo finished",
                                  "echo never")}
        self.write("wasmbuild.yaml", json.dumps({"version": 1, "targets": targets}))
        watcher = self.spawn("submit", "--target", "all", "--output", "json")
        events = []
        for line in watcher.stdout:
            events.append(json.loads(line))
            # The agent has seen the failure once a watcher has.
            if events[-1].get("stepEnded", {}).get("exitCode"):
                go_on.touch()
        self.assertEqual(watcher.wait(harness.PATIENCE), 1)
        self.assertEqual(events[-1]["ended"]["cause"]["target"], "bad")
        self.assertEqual(harness.log_of(events).decode(), "finished\n")

    def test_lines_of_two_targets_are_not_mixed(self):
        line = "x" * 50
        loop = f"for i in 1 2 3 4 5 6 7 8 9; do printf '%s' {line}; printf '%s\\n' {line}; done"
        targets = {name: target(MEET.format(name, other) + "; " + loop) for name, other in (("a", "b"), ("b", "a"))}
        log = harness.log_of(self.build(targets)).decode()
        self.assertEqual(log.splitlines(), [line + line] * 18)

    def test_a_cancel_ends_all_of_them(self):
        self.write("wasmbuild.yaml", json.dumps({"version": 1, "targets": {
            name: target(MEET.format(name, other) + "; echo both; sleep 600") for name, other in (("a", "b"), ("b", "a"))}}))
        build = self.submit("--detach", target="all").out.strip()
        watcher = self.spawn("watch", build, "--output", "plain")
        seen = 0
        for line in watcher.stderr:
            seen += line.strip() == "both"
            if seen == 2:
                break
        self.ctl("cancel", build)
        self.assertEqual(watcher.wait(harness.PATIENCE), 4)


if __name__ == "__main__":
    harness.main()
