"""The subcommands that people use every day, with the real agent."""

import shutil
import subprocess
import unittest

import harness

PRINTS = '#include <stdio.h>\nint main(int argc, char **argv) { printf("hello %s\\n", argc > 1 ? argv[1] : "you"); return argc > 2 ? 7 : 0; }\n'


class Commands(harness.Case):
    def setUp(self):
        super().setUp()
        self.write("Makefile", "all: hello\nhello: hello.c\n\tcc -o $@ hello.c\n")
        self.write("hello.c", PRINTS)
        self.write("wasmbuild.yaml", """\
version: 1
targets:
  native:
    description: hello
    toolchain: native
    steps:
      - {name: make, kind: make, directory: ../.., argv: [make]}
      - {name: install, argv: [cp, ../../hello, hello]}
    artifacts: [hello]
    runner: {runtime: native, program: hello}
""")
        self.start_agent()

    def bare(self, *args, code=0, cwd=None, **env):
        """wasmctl without --agent."""
        result = harness.Result(subprocess.run([harness.WASMCTL, *map(str, args)], cwd=cwd or self.src, env=dict(self.env, **env),
                                               stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=harness.PATIENCE))
        self.assertEqual(result.code, code, result)
        return result

    def test_a_context_names_an_agent(self):
        self.bare("context", "add", "farm", self.agent.address)
        self.bare("context", "add", "other", "unix:/nonexistent.sock")
        self.bare("context", "use", "farm")
        self.assertIn("* farm", self.bare("context", "list").out)
        self.assertIn("farm", self.bare("info").err)
        self.bare("context", "use", "other")
        self.bare("info", code=3)
        self.bare("info", WASMCTL_AGENT=self.agent.address)
        self.bare("context", "remove", "other")
        self.assertNotIn("other", self.bare("context", "list").out)
        self.assertIn("no context 'other'", self.bare("context", "use", "other", code=2).err)

    def test_print_config_shows_file_and_flags(self):
        self.bare("context", "add", "farm", "unix:/x")
        shown = self.bare("--engine", "podman", "--image", "mine:1", "--print-config").out
        for word in ("farm", "podman", "mine:1"):
            self.assertIn(word, shown)

    def test_products_go_where_out_says_and_run_from_there(self):
        out = self.scratch / "out"
        self.submit("--out", out)
        self.assertTrue((out / "native/hello").is_file())
        self.assertFalse((self.src / "builddir").exists())
        self.assertIn("wasmctl submit", self.bare("run", "--target", "native", code=2).err)
        ran = self.bare("run", "--target", "native", "--out", out, "--", "world", "x", code=7)
        self.assertEqual(ran.out, "hello world\n")

    def test_all_and_patterns_mean_what_can_be_built(self):
        """A pattern that leaves out a target says which and why; one that fits nothing is a mistake."""
        refused = 'refused_sdks: {%s}' % ", ".join(f"{version}: not today" for version in range(1, 100))
        with open(self.src / "wasmbuild.yaml", "a") as file:
            file.write(f"""\
  never:
    toolchain: wasi
    {refused}
    steps: [{{name: make, argv: [make]}}]
  quick: {{toolchain: native, steps: [{{name: touch, argv: [touch, made]}}], artifacts: [made]}}
""")
        events = self.submit(target="all").events
        self.assertTrue(any("leaves out never" in event["notice"]["text"] for event in events if "notice" in event), events)
        self.assertTrue((self.src / "builddir/native/hello").is_file())
        self.assertTrue((self.src / "builddir/quick/made").is_file())
        self.assertIn("leaves out never", self.ctl("plan", "--target", "all").out)
        self.assertIn("no target fits 'wasm*'", self.submit(target="wasm*", code=7).err)
        self.assertIn("not today", self.submit(target="nev*", code=7).err)

    def test_what_follows_two_dashes_is_the_programs(self):
        """Brackets, braces and empty words reach the program as they were typed."""
        self.submit()
        for word in ("[1,2]", "{}", "", "--help", "a b"):
            self.assertEqual(self.bare("run", "--target", "native", "--", word).out, f"hello {word}\n")
        self.assertIn("wasmctl run", self.bare("list", "--", "x", code=2).err)

    def test_a_broken_target_is_built_when_it_is_forced(self):
        """It is listed and refused with its reason; --force builds it, and the plan reminds of the reason."""
        self.write("wasmbuild.yaml", """\
version: 1
targets:
  crashing:
    toolchain: native
    support: broken
    broken: it crashes
    let: {greeting: "made by ${jobs}"}
    steps: [{name: make, argv: [sh, -c, "echo ${greeting} > made"]}]
    artifacts: [made]
""")
        listed = self.ctl("targets").out
        self.assertIn("[broken]", listed)
        self.assertIn("not here: target 'crashing' is broken: it crashes; --force builds it", listed)
        self.assertIn("it crashes", self.ctl("submit", "--target", "crashing", code=7).err)
        self.assertIn("it crashes", self.ctl("plan", "--force", "--target", "crashing").out)
        self.ctl("submit", "--force", "--jobs", "3", "--target", "crashing")
        self.assertEqual((self.src / "builddir/crashing/made").read_text(), "made by 3\n")

    def test_exit_codes_tell_a_mistake_from_a_refusal_from_a_missing_agent(self):
        for args in (("submit", "--output", "bogus"), ("submit", "--env", "FOO"), ("submit", "--timeout", "x"),
                     ("info", "--agent", "nonsense"), ("submit", "--checkout", "/nonexistent")):
            with self.subTest(args):
                self.bare(*args, code=2)
        self.ctl("submit", "--target", "nonesuch", code=7)
        self.bare("info", "--agent", "unix:/nonexistent.sock", code=3)
        self.bare("--image", "nonexistent:1", "agent", "up", code=3)
        (self.scratch / "config/wasmctl").mkdir()
        (self.scratch / "config/wasmctl/config.yaml").write_text("current_context: gone\n")
        self.assertIn("'gone'", self.bare("info", code=2).err)

    def test_an_output_folder_that_cannot_be_written_is_told_before_the_build(self):
        blocked = self.write("blocked", "a file")
        self.ctl("submit", "--target", "native", "--out", blocked / "below", code=None)
        self.assertNotIn("native", self.ctl("list").out)

    def test_fetch_brings_products_back(self):
        self.submit()
        shutil.rmtree(self.src / "builddir")
        self.ctl("fetch")
        self.assertEqual(self.bare("run", "--target", "native").out, "hello you\n")
        other = self.scratch / "elsewhere"
        self.ctl("fetch", "--out", other)
        self.assertTrue((other / "native/hello").is_file())

    def test_show_and_list_tell_of_builds(self):
        self.submit()
        listed = self.ctl("list").out
        self.assertIn("succeeded", listed)
        id = listed.splitlines()[1].split()[0]
        shown = self.ctl("show", id).out
        for word in (id, "succeeded", "native", "1 file,", "step      native/make: done in"):
            self.assertIn(word, shown)
        self.assertIn("no build", self.ctl("show", "ffffffff", code=2).err)

    def test_ignored_says_why(self):
        self.write(".wasmignore", "*.log\n")
        self.write("x.log", "x")
        self.assertIn("*.log", self.bare("ignored", "--why", "x.log").out)
        self.assertIn("sent", self.bare("ignored", "--why", "hello.c", code=1).out)

    def test_a_word_that_is_no_option_is_refused(self):
        for args in (("submit", "--no-such-flag"), ("submit", "stray"), ("run", "stray", "--", "x"), ("list", "--limit", "many"), ("nonesuch",)):
            with self.subTest(args):
                self.bare(*args, code=2)

    def test_help_answers_for_every_subcommand(self):
        for line in self.bare("--help").out.split("Subcommands:")[1].splitlines():
            if line.startswith("  ") and line.split():
                with self.subTest(line.split()[0]):
                    self.assertIn("Usage", self.bare(line.split()[0], "--help").out)

    def completion(self, shell):
        path = self.scratch / f"completion.{shell}"
        path.write_text(self.bare("completion", shell).out)
        return path

    def test_bash_completes_subcommands_and_flags(self):
        script = self.completion("bash")
        for words, wanted in ((["wasmctl", "su"], "submit"), (["wasmctl", "submit", "--tar"], "--target")):
            line = " ".join(words)
            asked = subprocess.run(
                ["bash", "--norc", "-c", f'. "{script}"; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; COMP_LINE="{line}"; '
                 f'COMP_POINT={len(line)}; "$(complete -p wasmctl | sed "s/.*-F \\([^ ]*\\).*/\\1/")"; echo "${{COMPREPLY[@]}}"'],
                env=self.env, capture_output=True, text=True)
            self.assertIn(wanted, asked.stdout.split(), asked)

    def test_zsh_and_fish_read_their_completions(self):
        """A syntax check by the shell itself, where it is installed."""
        shells = [shell for shell in ("zsh", "fish") if shutil.which(shell)]
        for shell in ("zsh", "fish"):
            script = self.completion(shell)
            if shell in shells:
                subprocess.run([shell, "-n", script], check=True, env=self.env)
        if "fish" in shells:
            offered = subprocess.run(["fish", "-c", f"source {script}; complete -C 'wasmctl '"], env=self.env, text=True,
                                     capture_output=True, check=True).stdout
            words = {line.split("\t")[0] for line in offered.splitlines()}
            self.assertTrue({"agent", "cancel", "context", "fetch", "info", "logs", "plan", "verify", "watch"} <= words, offered)
        if not shells:
            self.skipTest("neither zsh nor fish is installed")

    def git(self, *args):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *args], cwd=self.src, check=True, env=self.env,
                       capture_output=True)

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_a_git_checkout_sends_what_git_knows(self):
        """Tracked and untracked-not-ignored files are there, ignored ones and .git are not."""
        self.write(".gitignore", "*.tmp\n")
        self.write("notes.tmp", "x")
        self.git("init", "-q")
        self.git("add", "Makefile", "hello.c", ".gitignore")
        self.git("commit", "-qm", "x")
        self.submit()  # wasmbuild.yaml is untracked
        workspace = next((self.agent.state / "workspaces").glob("*/src"), None) or next((self.agent.state / "workspaces").rglob("hello.c")).parent
        names = {path.name for path in workspace.iterdir()}
        self.assertTrue({"Makefile", "hello.c", "wasmbuild.yaml", ".gitignore"} <= names, names)
        self.assertFalse({".git", "notes.tmp"} & names, names)
        self.assertIn("equal", self.ctl("verify").out)
        # A file that git forgets leaves the workspace, too.
        self.git("rm", "-q", "--cached", "hello.c")
        self.write(".gitignore", "*.tmp\nhello.c\n")
        self.submit(code=1)
        self.assertFalse((workspace / "hello.c").exists())

    def test_a_checkout_in_a_subfolder_is_found_from_below(self):
        (self.src / "deep/er").mkdir(parents=True)
        self.ctl("submit", "--target", "native", cwd=self.src / "deep/er")
        self.assertTrue((self.src / "builddir/native/hello").is_file())


if __name__ == "__main__":
    harness.main()
