"""When a build dir is kept, and when it starts anew: guarantee 2 for projects with a configure script."""

import json

import harness

# Not made by autoconf, but run like one: what it is told and what it finds goes into the build dir.
CONFIGURE = """\
#!/bin/sh
src=$(dirname "$0")
echo "configuring with $* and CFLAGS=$CFLAGS"
test -f config.cache && echo "seeded with $(cat config.cache)"
echo "ac_cv_answer=42" > config.cache
sed -e "s|@SRC@|$src|" -e "s|@CFLAGS@|$CFLAGS|" "$src/Makefile.in" > Makefile
"""
MAKEFILE = "all: hello\nhello: @SRC@/hello.c\n\t@echo compiling V=$(V)\n\tcc @CFLAGS@ -o $@ @SRC@/hello.c\n\ttouch leftover-$$$$\n"


class Configure(harness.Case):
    def setUp(self):
        super().setUp()
        self.write("configure", CONFIGURE, 0o755)
        self.write("Makefile.in", MAKEFILE)
        self.write("hello.c", "int main(void) { return 0; }\n")
        self.start_agent()

    def build(self, *args):
        """Builds; returns whether configure ran, whether something was compiled, and the log."""
        log = harness.log_of(self.submit(*args).events).decode()
        return "configuring" in log, "compiling" in log, log

    def leftovers(self):
        """One file for each compile since the build dir was new."""
        build_dir = next((self.agent.state / "workspaces").glob("*/src/builddir/native"))
        return len(list(build_dir.glob("leftover-*")))

    def test_without_change_nothing_runs(self):
        self.assertEqual(self.build()[:2], (True, True))
        self.assertEqual(self.build()[:2], (False, False))

    def test_a_source_edit_compiles_and_does_not_configure(self):
        self.build()
        self.write("hello.c", "int main(void) { return 1; }\n")
        self.assertEqual(self.build()[:2], (False, True))
        self.assertEqual(self.leftovers(), 2)

    def test_changed_arguments_configure_in_a_clean_build_dir(self):
        self.build()
        configured, compiled, log = self.build("--configure-arg", "--enable-more")
        self.assertEqual((configured, compiled), (True, True))
        self.assertIn("--enable-more", log)
        self.assertEqual(self.leftovers(), 1)
        # And back: the build dir of other flags is not taken for this one's.
        self.assertEqual(self.build()[:2], (True, True))

    def test_a_changed_environment_configures_in_a_clean_build_dir(self):
        self.build()
        configured, compiled, log = self.build("--env", "CFLAGS=-DMORE=1")
        self.assertEqual((configured, compiled), (True, True))
        self.assertIn("CFLAGS=-DMORE=1", log)
        self.assertEqual(self.leftovers(), 1)
        self.assertEqual(self.build("--env", "CFLAGS=-DMORE=1")[:2], (False, False))

    def test_a_changed_input_configures_in_a_clean_build_dir(self):
        self.build()
        self.write("Makefile.in", MAKEFILE + "# more\n")
        self.assertEqual(self.build()[:2], (True, True))
        self.assertEqual(self.leftovers(), 1)
        self.write("configure", CONFIGURE + "# more\n", 0o755)
        self.assertEqual(self.build()[:2], (True, True))

    def test_clean_starts_over(self):
        self.build()
        self.assertEqual(self.build("--clean")[:2], (True, True))
        self.assertEqual(self.leftovers(), 1)

    def test_equal_inputs_are_seeded_with_their_cache(self):
        """config.cache is kept for inputs, arguments, environment and toolchain, and for those alone."""
        self.build()
        self.assertNotIn("seeded", self.build("--configure-arg", "--enable-more")[2])
        self.assertIn("seeded with ac_cv_answer=42", self.build()[2])
        # Whoever asks for a clean start wants no help from the past.
        self.assertNotIn("seeded", self.build("--clean")[2])

    def test_a_cache_that_configure_refuses_is_made_anew_once(self):
        """As autoconf tells people to do by hand, and then the failure is the build's."""
        refuse = ('if test -f config.cache || test -f "$src/always"; then\n  echo "configure: error: changes in the environment can '
                  'compromise the build" >&2\n  exit 1\nfi\n')
        self.write("configure", CONFIGURE.replace("test -f config.cache", refuse + "test -f config.cache"), 0o755)
        self.build()
        self.build("--configure-arg", "--enable-more")  # so that the first flags find an empty build dir, which is seeded
        result = self.submit()
        notices = [event["notice"]["text"] for event in result.events if "notice" in event]
        self.assertEqual(len(notices), 1, notices)
        self.assertIn("config.cache", notices[0])
        self.assertEqual(self.leftovers(), 1)
        self.write("always", "")
        result = self.submit("--configure-arg", "--enable-less", code=1)
        self.assertIn("changes in the environment", json.dumps(result.events[-1]["ended"]["cause"]))
        self.assertEqual(harness.log_of(result.events).decode().count("configuring with"), 2)

    def test_make_arguments_reach_make_alone(self):
        self.build()
        self.write("hello.c", "int main(void) { return 2; }\n")
        configured, _, log = self.build("--make-arg", "V=2")
        self.assertFalse(configured)
        self.assertIn("compiling V=2", log)

    def test_jobs_are_what_is_asked_for(self):
        plan = self.ctl("plan", "--target", "native", "--jobs", "3").out
        self.assertIn("make -j3", plan)


if __name__ == "__main__":
    harness.main()
