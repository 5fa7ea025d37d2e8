"""Node programs that drive a real browser: tests/support/browser.mjs is what they share."""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ["WASMAGENT_SOURCE"])
PATIENCE = 240


def drive(program, *args):
    """Runs a program below the source root that prints one JSON value, and returns that; skips where no browser can be driven."""
    chromium, node = shutil.which("chromium"), shutil.which("node")
    if not chromium or not node:
        raise unittest.SkipTest("chromium and node are not both installed")
    driver = subprocess.run([SOURCE / "dev", "browser"], capture_output=True, text=True, timeout=PATIENCE)
    if driver.returncode != 0:
        raise unittest.SkipTest(f"no browser driver: {driver.stderr.strip().splitlines()[-1:]}")
    result = subprocess.run([node, SOURCE / program, *map(str, args)], capture_output=True, text=True, timeout=PATIENCE,
                            env=dict(os.environ, BROWSER_DRIVER=driver.stdout.strip(), BROWSER=chromium))
    if result.returncode != 0:
        raise AssertionError(f"{program} {args}\n{result.stdout}{result.stderr}")
    return json.loads(result.stdout)
