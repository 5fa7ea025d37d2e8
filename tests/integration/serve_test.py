"""`wasmctl serve` as a browser sees it: types, isolation, ranges, freshness; and what it never gives away."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import threading
import urllib.parse

import harness

ISOLATION = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp",
             "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-cache"}
PAGE = "<!DOCTYPE html>\n<p>page\n"


class Log:
    """The lines that a program writes, as they come."""

    def __init__(self, stream):
        self.lines = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.reader.start()

    def _read(self, stream):
        with stream:
            for line in stream:
                with self.changed:
                    self.lines.append(line.rstrip("\n"))
                    self.changed.notify_all()

    def wait_for(self, wanted):
        with self.changed:
            return self.changed.wait_for(lambda: wanted in self.text(), harness.PATIENCE)

    def text(self):
        return "".join(line + "\n" for line in self.lines)


class Serve(harness.Case):
    def setUp(self):
        super().setUp()
        self.write("builddir/emscripten-browser/python.html", PAGE)
        self.write("Objects/listobject.c", "int list;\n")
        self.write("empty", "")
        self.write("data", "0123456789")

    def start(self, *args, lines=1, env=None):
        """Starts it on a free port, and returns what it prints: `lines` lines, the first being the site's address."""
        self.process = subprocess.Popen([harness.WASMCTL, "serve", "--port", "0", *args], cwd=self.src, env=env or self.env,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.log = Log(self.process.stderr)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        self.addCleanup(self.process.stdout.close)
        printed = [self.process.stdout.readline().rstrip("\n") for _ in range(lines)]
        self.assertTrue(printed[0].startswith("http://"), f"{printed}\n{self.log.text()}")
        self.port = urllib.parse.urlsplit(printed[0]).port
        return printed

    def end(self, with_signal=signal.SIGINT):
        self.process.send_signal(with_signal)
        code = self.process.wait(harness.PATIENCE)
        self.log.reader.join(harness.PATIENCE)  # then the log is whole
        return code

    def wait_for_log(self, line):
        """A request is logged after its answer."""
        self.assertTrue(self.log.wait_for(line + "\n"), f"no '{line}' in\n{self.log.text()}")

    def connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=harness.PATIENCE)
        self.addCleanup(connection.close)
        return connection

    def ask(self, path, method="GET", body=None, connection=None, **headers):
        """The answer, with its content as `.content`; http.client sends the path as it is."""
        with contextlib.ExitStack() as stack:
            if connection is None:
                connection = stack.enter_context(contextlib.closing(self.connect()))
            connection.request(method, path, body=body, headers={key.replace("_", "-"): value for key, value in headers.items()})
            answer = connection.getresponse()
            answer.content = answer.read()
        return answer

    def test_every_answer_is_isolated_and_fresh(self):
        self.start()
        tag = self.ask("/data").headers["ETag"]
        for status, path, arguments in [
                (200, "/data", {}), (206, "/data", {"Range": "bytes=0-1"}), (301, "/builddir", {}), (304, "/data", {"If_None_Match": tag}),
                (403, "/../x", {}), (404, "/none", {}), (405, "/data", {"method": "DELETE"}), (416, "/data", {"Range": "bytes=10-"}),
                (421, "/data", {"Host": "evil.example"}), (400, "/data%00", {}), (416, "/data", {"Range": "nonsense"})]:
            answer = self.ask(path, **arguments)
            self.assertEqual(answer.status, status, path)
            for name, value in ISOLATION.items():
                self.assertEqual(answer.headers.get_all(name), [value], (status, name))

    def test_types(self):
        self.start()
        text = "text/plain; charset=utf-8"
        for name, kind in {"x.wasm": "application/wasm", "x.js": "text/javascript; charset=utf-8", "x.mjs": "text/javascript; charset=utf-8",
                           "x.html": "text/html; charset=utf-8", "x.css": "text/css; charset=utf-8", "x.json": "application/json",
                           "x.wasm.map": "application/json", "x.data": "application/octet-stream", "x.zip": "application/zip",
                           "x.js.symbols": text, "x.c": text, "x.cpp": text, "x.h": text, "x.py": text, "x": "application/octet-stream",
                           "empty.wasm": "application/wasm"}.items():
            self.write(f"types/{name}", "" if name.startswith("empty") else "x")
            for method in ("GET", "HEAD"):
                self.assertEqual(self.ask(f"/types/{name}", method).headers["Content-Type"], kind, (method, name))

    def test_ranges(self):
        self.start()
        whole = self.ask("/data")
        self.assertEqual((whole.status, whole.content, whole.headers["Accept-Ranges"]), (200, b"0123456789", "bytes"))
        for asked, content in {"0-0": b"0", "2-4": b"234", "7-": b"789", "8-99": b"89", "-3": b"789", "-99": b"0123456789"}.items():
            part = self.ask("/data", Range=f"bytes={asked}")
            self.assertEqual((part.status, part.content, part.headers["Content-Length"]), (206, content, str(len(content))), asked)
            first = b"0123456789".index(content)
            self.assertEqual(part.headers["Content-Range"], f"bytes {first}-{first + len(content) - 1}/10")
        for asked in ("10-", "10-20", "-0"):
            refused = self.ask("/data", Range=f"bytes={asked}")
            self.assertEqual((refused.status, refused.headers["Content-Range"]), (416, "bytes */10"), asked)
        self.assertEqual(self.ask("/empty", Range="bytes=0-").status, 416)
        several = self.ask("/data", Range="bytes=0-1,4-5")
        self.assertEqual((several.status, several.content), (200, b"0123456789"))
        head = self.ask("/data", "HEAD", Range="bytes=2-4")
        self.assertEqual((head.status, head.headers["Content-Length"], head.content), (206, "3", b""))
        # A part of what has changed since is no use: the whole comes instead.
        tag = whole.headers["ETag"]
        self.assertEqual(self.ask("/data", Range="bytes=2-4", If_Range=tag).status, 206)
        self.write("data", "9876543210")
        self.assertEqual(self.ask("/data", Range="bytes=2-4", If_Range=tag).content, b"9876543210")

    def test_a_copy_is_used_while_it_is_fresh(self):
        self.start()
        first = self.ask("/data")
        connection = self.connect()
        for headers in ({"If_None_Match": first.headers["ETag"]}, {"If_None_Match": f'"x", W/{first.headers["ETag"]}'},
                        {"If_Modified_Since": first.headers["Last-Modified"]}):
            same = self.ask("/data", connection=connection, **headers)
            self.assertEqual((same.status, same.content, same.headers["ETag"]), (304, b"", first.headers["ETag"]))
            self.assertNotIn("Content-Length", same.headers)
        # The same size, and within the same second: the date alone would not tell.
        self.write("data", "9876543210")
        os.utime(self.src / "data", ns=(1, os.stat(self.src / "data").st_mtime_ns + 1))
        changed = self.ask("/data", connection=connection, If_None_Match=first.headers["ETag"],
                           If_Modified_Since=first.headers["Last-Modified"])
        self.assertEqual((changed.status, changed.content), (200, b"9876543210"))

    def test_nothing_outside_the_checkout(self):
        (self.scratch / "secret").write_text("TOKEN")
        self.write(".git/config", "TOKEN")
        self.write("sub/.git", "TOKEN")
        os.symlink("../secret", self.src / "link")
        os.symlink(self.scratch / "secret", self.src / "absolute")
        os.symlink(self.scratch, self.src / "folder")
        os.symlink("Objects", self.src / "inside")
        os.mkfifo(self.src / "pipe")
        self.start()
        for path in ("/../secret", "/Objects/../../secret", "/%2e%2e/secret", "/%2E%2E%2Fsecret", "/..%2fsecret", "/Objects/..%2f..%2fsecret",
                     "//../secret", "/%u002e%u002e/secret", "/link", "/absolute", "/folder/secret", "/folder/", "/.git/config", "/%2egit/config",
                     "/.GIT/config", "/Objects/../.git/config", "/sub/.git", "/.git/", "/data%00", "/%00", "/pipe", "data", "/folder/../secret"):
            for method in ("GET", "HEAD"):
                answer = self.ask(path, method)
                self.assertIn(answer.status, (400, 403, 404), path)
                self.assertNotIn(b"TOKEN", answer.content, path)
                self.assertNotIn(str(self.scratch).encode(), answer.content, path)
        self.assertEqual(self.ask("/inside/listobject.c").content, b"int list;\n")
        self.assertNotIn(b".git", self.ask("/").content)

    def test_other_sites_get_nothing(self):
        """A page of another site whose name has been made to resolve to this machine."""
        self.start()
        self.assertEqual(self.ask("/data", Host=f"localhost:{self.port}").status, 200)
        answer = self.ask("/data", Host=f"evil.example:{self.port}")
        self.assertEqual(answer.status, 421)
        self.assertNotIn(b"0123456789", answer.content)

    def test_methods(self):
        self.start()
        connection = self.connect()
        head = self.ask("/data", "HEAD", connection=connection)
        self.assertEqual((head.status, head.content, head.headers["Content-Length"]), (200, b"", "10"))
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
            body = None if method in ("OPTIONS", "TRACE") else "GET /none HTTP/1.1\r\n\r\n"
            answer = self.ask("/data", method, body=body, connection=connection)
            self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET, HEAD"), method)
        # The connection is still in step.
        self.assertEqual(self.ask("/data", connection=connection).content, b"0123456789")

    def test_folders(self):
        self.write("Doc/index.html", "<p>index")
        self.write("odd/a b#c%.txt", "odd")
        self.write("odd/<i>.txt", "")
        self.start()
        moved = self.ask("/Objects?x=1")
        self.assertEqual((moved.status, moved.headers["Location"]), (301, "/Objects/"))
        self.assertEqual(self.ask("//Objects").headers["Location"], "/Objects/")  # and not to a host of that name
        self.assertEqual(self.ask("/Doc/").content, b"<p>index")
        self.assertEqual(self.ask("/data/").status, 404)
        listing = self.ask("/odd/")
        self.assertEqual(listing.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertIn(b'href="./a%20b%23c%25.txt">a b#c%.txt<', listing.content)
        self.assertNotIn(b"<i>", listing.content)
        self.assertEqual(self.ask("/odd/a%20b%23c%25.txt").content, b"odd")
        self.assertIn(b'href="./Objects/"', self.ask("/").content)

    def most_memory(self):
        """kB that the server has had at most."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(next(line.split()[1] for line in status if line.startswith("VmHWM:")))

    def test_large_files_cost_no_memory(self):
        size = 1 << 30
        with open(self.src / "large.wasm", "wb") as file:
            file.truncate(size)
            file.seek(size - 3)
            file.write(b"end")
        self.start()
        self.ask("/data")
        before = self.most_memory()
        connection = self.connect()
        connection.request("GET", "/large.wasm")
        answer = connection.getresponse()
        self.assertEqual(answer.headers["Content-Length"], str(size))
        got, last, buffer = 0, b"", bytearray(1 << 20)
        while count := answer.readinto(buffer):
            got, last = got + count, bytes(buffer[max(0, count - 3):count])
        self.assertEqual((got, last[-3:]), (size, b"end"))
        self.assertEqual(self.ask("/large.wasm", Range="bytes=-3").content, b"end")
        self.assertLess(self.most_memory() - before, 50_000, "kB for a file of 1 GB")

    def test_a_taken_port_is_said(self):
        self.start()
        second = harness.Result(subprocess.run([harness.WASMCTL, "serve", "--port", str(self.port)], cwd=self.src, env=self.env,
                                               stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=harness.PATIENCE))
        self.assertEqual((second.code, second.out), (2, ""), second)
        self.assertIn(f"port {self.port} of 127.0.0.1 is taken", second.err)
        self.assertIn("--port 0", second.err)

    def test_signals_end_it_with_success(self):
        for with_signal in (signal.SIGINT, signal.SIGTERM):
            self.start()
            connection = self.connect()  # stays open, and so does one that never says a word
            self.assertEqual(self.ask("/data", connection=connection).status, 200)
            with socket.create_connection(("127.0.0.1", self.port)):
                self.assertEqual(self.end(with_signal), 0)

    def test_prints_pages_and_logs_requests(self):
        self.write("builddir/other page/index.html", PAGE)
        self.assertEqual(self.start("--checkout", str(self.src), lines=3)[1:],
                         [f"http://127.0.0.1:{self.port}/builddir/emscripten-browser/python.html",
                          f"http://127.0.0.1:{self.port}/builddir/other%20page/index.html"])
        for method, path, line in [
                ("GET", "/builddir/emscripten-browser/python.html", f"GET /builddir/emscripten-browser/python.html 200 {len(PAGE)}"),
                ("HEAD", "/none%1b", "HEAD /none%1b 404 0"), ("GET", "/data?x=1", "GET /data?x=1 200 10")]:
            self.ask(path, method)
            self.wait_for_log(line)
        self.end()
        self.assertEqual(len(self.log.text().splitlines()), 3)

    def test_the_root_is_the_checkouts(self):
        """From below the checkout it serves all of it: a debugger in the browser finds the sources."""
        (self.src / ".git").mkdir()
        self.start("--checkout", str(self.src))
        self.end()
        below = self.src / "Objects"
        with subprocess.Popen([harness.WASMCTL, "serve", "--port", "0"], cwd=below, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            self.addCleanup(process.kill)
            self.port = urllib.parse.urlsplit(process.stdout.readline()).port
            self.assertEqual(self.ask("/Objects/listobject.c").content, b"int list;\n")
            process.send_signal(signal.SIGINT)

    def test_open_shows_the_first_page(self):
        programs, heard = self.scratch / "programs", self.scratch / "heard"
        programs.mkdir()
        os.mkfifo(heard)
        (programs / "xdg-open").write_text(f'#!/bin/sh\necho "$1" >"{heard}"\n')
        (programs / "xdg-open").chmod(0o755)
        page = self.start("--open", lines=2, env=dict(self.env, PATH=f"{programs}:{os.environ['PATH']}"))[1]
        self.assertEqual(heard.read_text(), page + "\n")  # waits for the program
        self.end()
        (programs / "xdg-open").unlink()
        self.start("--open", lines=2, env=dict(self.env, PATH=str(programs)))
        self.end()
        self.assertIn("neither xdg-open nor open is installed", self.log.text())

    def test_an_open_address_is_said(self):
        self.start("--bind", "0.0.0.0")
        self.assertEqual(self.ask("/data", Host="build.example").status, 200)
        self.end()
        self.assertIn("everybody who reaches 0.0.0.0 can read", self.log.text())
        self.start()
        self.end()
        self.assertEqual(self.log.text(), "")


if __name__ == "__main__":
    harness.main()
