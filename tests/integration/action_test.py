"""What can be done with targets beyond building them: their tests, and configuring alone."""

import harness

# FAULT comes as a word for the action.
MAKEFILE = """\
all:
\techo built > product
check:
\t@printf '<testsuite><testcase name="first" time="1.5"/><testcase name="second">%s</testcase></testsuite>' "$(FAULT)" > $(REPORT)
\t@test -z "$(FAULT)"
"""
TARGETS = """\
version: 1
targets:
  native:
    toolchain: native
    build_dir: .
    steps:
      - {name: make, kind: make, argv: [make]}
    artifacts: [product]
    actions:
      test:
        steps:
          - {name: check, argv: [make, check, "REPORT=${report}", "${args}"]}
      silent:
        steps:
          - {name: nothing, argv: [echo, "--xml=${report}", "${args}"]}
  untested:
    toolchain: native
    build_dir: .
    steps:
      - {name: make, kind: make, argv: [make]}
  configured:
    toolchain: native
    build_dir: out
    steps:
      - {name: configure, kind: configure, argv: [touch, configured]}
      - {name: make, kind: make, argv: ["false"]}
"""


class Actions(harness.Case):
    def setUp(self):
        super().setUp()
        self.write("Makefile", MAKEFILE)
        self.write("wasmbuild.yaml", TARGETS)
        self.start_agent()
        self.report = self.src / "builddir/native/test-results.xml"

    def test_results_come_back_with_the_artifacts(self):
        result = self.ctl("submit", "--target", "native", "--test", "--output", "plain")
        self.assertIn("native: 2 tests passed, in 1.5s", result.err)
        self.assertIn("<testsuite>", self.report.read_text())
        self.assertTrue((self.src / "builddir/native/product").exists())
        shown = self.ctl("show")
        self.assertIn("native: 2 tests passed", shown.out)

    def test_a_failing_test_is_named_first_and_its_report_comes_back(self):
        result = self.submit("--test", "FAULT=<failure>boom</failure>", code=1)
        ended = result.events[-1]["ended"]
        self.assertEqual(ended["outcome"], "OUTCOME_FAILED")
        self.assertTrue(ended["cause"]["summary"].startswith("second failed (1 of 2 tests failed"), ended)
        self.assertIn("boom", ended["cause"]["excerpt"])
        self.assertIn("boom", self.report.read_text())
        # Again later, without building.
        self.report.unlink()
        self.ctl("fetch")
        self.assertIn("boom", self.report.read_text())

    def test_no_report_is_told(self):
        result = self.submit("--action", "silent", "--action-arg", "-x")
        self.assertIn("its tests left no report", " ".join(e["notice"]["text"] for e in result.events if "notice" in e))

    def test_what_cannot_be_tested_is_refused_before_anything_is_built(self):
        result = self.submit("--test", target="untested", code=7)
        self.assertIn("target 'untested' has no action 'test'", result.err)
        self.assertEqual(self.ctl("list", code=None).out.count("untested"), 0)

    def test_configure_only(self):
        self.submit("--configure-only", target="configured")
        self.submit(target="configured", code=1)

    def test_actions_exclude_each_other(self):
        self.ctl("submit", "--test", "--pythoninfo", code=2)

    def test_plan_and_targets_tell_of_actions(self):
        self.assertIn("actions: silent, test", self.ctl("targets").out)
        self.assertIn("check", self.ctl("plan", "--target", "native", "--test").out)


if __name__ == "__main__":
    harness.main()
