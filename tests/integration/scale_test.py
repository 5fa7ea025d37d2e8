"""Checkouts of unusual size."""

import os

import harness

TARGETS = """\
version: 1
targets:
  native:
    description: counts
    toolchain: native
    steps:
      - {name: count, argv: [sh, -c, "%s"]}
    artifacts: [counted]
"""


class Scale(harness.Case):
    def count(self, command):
        self.write("wasmbuild.yaml", TARGETS % command)
        self.start_agent()
        self.submit(timeout=1800)
        return (self.src / "builddir/native/counted").read_text().split()

    def test_a_folder_four_hundred_levels_deep(self):
        fd = os.open(self.src, os.O_RDONLY)
        try:
            for _ in range(400):
                os.mkdir("d", dir_fd=fd)
                below = os.open("d", os.O_RDONLY, dir_fd=fd)
                os.close(fd)
                fd = below
            os.close(os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        finally:
            os.close(fd)
        self.assertEqual(self.count("find ../.. -name leaf | wc -l > counted"), ["1"])
        self.assertIn("equal", self.ctl("verify").out)

    def test_a_hundred_thousand_files(self):
        for folder in range(1000):
            (self.src / f"d{folder}").mkdir()
            for file in range(100):
                (self.src / f"d{folder}/f{file}").write_text(f"{folder} {file}\n")
        self.assertEqual(self.count("find ../.. -name 'f*' -type f | wc -l > counted"), ["100000"])
        (self.src / "d7/f7").write_text("edited\n")
        self.submit(timeout=600)
        self.assertIn("equal", self.ctl("verify", timeout=600).out)

    def test_a_file_of_three_gigabytes(self):
        with open(self.src / "large", "wb") as large:
            large.truncate(3 << 30)
            large.seek((3 << 30) - 5)
            large.write(b"tail\n")
        self.assertEqual(self.count("tail -c 5 ../../large > counted && stat -c %s ../../large >> counted"), ["tail", str(3 << 30)])


if __name__ == "__main__":
    harness.main()
