"""What `wasmctl hosting` prints, read by the real servers, which then answer for a site of WebAssembly programs."""

import contextlib
import gzip
import http.client
import os
import shutil
import socket
import subprocess
import textwrap
import time

import harness

NAME = "wasm.example.net"
ISOLATION = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp",
             "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-cache"}
# Large enough to be worth compressing for all of them.
WASM = b"\0asm\1\0\0\0" + bytes(8000)
APACHE_MODULES = "/usr/lib/apache2/modules"


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Hosting(harness.Case):
    def setUp(self):
        super().setUp()
        # Servers that are started by root read files as another user.
        self.scratch.chmod(0o755)
        self.src.chmod(0o755)
        self.site = self.scratch / "my site"
        for name, content in {"index.html": b"<!DOCTYPE html>\n<p>page" + b" " * 4000, "x.wasm": WASM, "x.js": b"//" + b" " * 4000,
                              "x.mjs": b"//", "x.data": bytes(4000), "sub/y.wasm": WASM, ".git/config": b"token"}.items():
            file = self.site / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        self.port = free_port()

    def program(self, name):
        found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
        if not found:
            self.skipTest(f"{name} is not installed")
        return found

    def printed(self, *args):
        result = harness.Result(subprocess.run([harness.WASMCTL, "hosting", *args, "--root", str(self.site), "--name", NAME],
                                               env=self.env, capture_output=True, text=True, timeout=harness.PATIENCE))
        self.assertEqual((result.code, result.err), (0, ""), result)
        return result.out

    def replaced(self, text, *pairs):
        """The text with the addresses that only root may use replaced; each must be there."""
        for old, new in pairs:
            self.assertIn(old, text)
            text = text.replace(old, new)
        return text

    def file(self, name, text):
        path = self.scratch / name
        path.write_text(textwrap.dedent(text))
        return str(path)

    def run_server(self, *argv):
        """Starts a server that stays in the foreground, and waits until it answers."""
        log = self.scratch / "server.log"
        with open(log, "wb") as out:
            server = subprocess.Popen(argv, cwd=self.scratch, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        end = time.monotonic() + harness.PATIENCE
        while True:
            self.assertIsNone(server.poll(), f"{argv} ended:\n{log.read_text()}")
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
                return
            self.assertLess(time.monotonic(), end, f"{argv} does not listen:\n{log.read_text()}")
            time.sleep(0.02)

    def ask(self, path, **headers):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=harness.PATIENCE)) as connection:
            connection.request("GET", path, headers={"Host": NAME, **{key.replace("_", "-"): value for key, value in headers.items()}})
            answer = connection.getresponse()
            answer.content = answer.read()
        return answer

    def check(self):
        for path, status, kind in [("/", 200, "text/html"), ("/x.wasm", 200, "application/wasm"), ("/sub/y.wasm", 200, "application/wasm"),
                                   ("/x.js", 200, "text/javascript"), ("/x.mjs", 200, "text/javascript"), ("/x.data", 200, None),
                                   ("/none.wasm", 404, None)]:
            answer = self.ask(path)
            self.assertEqual(answer.status, status, path)
            for name, value in ISOLATION.items():
                self.assertEqual(answer.headers.get_all(name), [value], (path, name))
            if kind:
                self.assertEqual(answer.headers["Content-Type"].split(";")[0], kind, path)
        self.assertEqual(self.ask("/x.wasm").content, WASM)
        for path in ("/", "/x.js", "/x.wasm"):
            packed = self.ask(path, Accept_Encoding="gzip")
            self.assertEqual(packed.headers["Content-Encoding"], "gzip", path)
            self.assertEqual(packed.headers.get_all("Cross-Origin-Embedder-Policy"), ["require-corp"], path)
        self.assertEqual(gzip.decompress(self.ask("/x.wasm", Accept_Encoding="gzip").content), WASM)

    def check_git_is_hidden(self):
        self.assertIn(self.ask("/.git/config").status, (403, 404))

    def apache(self, configuration):
        apache = self.program("apache2")
        modules = "mpm_event authz_core dir mime headers filter deflate".split()
        loads = "\n".join(f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so" for name in modules)
        # Types of its own, which know nothing of WebAssembly: that is what the configuration has to tell.
        types = self.file("types", "text/html html\n")
        base = self.file("apache.conf", f"""\
ServerRoot "{self.scratch}"
ServerName localhost
PidFile apache.pid
ErrorLog "{self.scratch}/error.log"
Listen 127.0.0.1:{self.port}
{loads}
TypesConfig {types}
DirectoryIndex index.html
{'User www-data' if os.getuid() == 0 else ''}
{configuration}
""")
        self.run_server(apache, "-f", base, "-DFOREGROUND")

    def test_apache(self):
        self.apache(self.replaced(self.printed("apache"), ("<VirtualHost *:80>", f"<VirtualHost 127.0.0.1:{self.port}>")))
        self.check()
        self.check_git_is_hidden()

    def test_apache_htaccess(self):
        (self.site / ".htaccess").write_text(self.printed("apache", "--htaccess"))
        self.apache(f"""\
DocumentRoot "{self.site}"
<Directory "{self.site}">
    Require all granted
    AllowOverride FileInfo
</Directory>
""")
        self.check()

    def test_nginx(self):
        nginx = self.program("nginx")
        self.file("site.conf", self.replaced(self.printed("nginx"), ("listen 80;", f"listen 127.0.0.1:{self.port};"),
                                             ("    listen [::]:80;\n", "")))
        paths = "\n".join(f"{kind}_temp_path {self.scratch}/{kind};" for kind in "client_body proxy fastcgi uwsgi scgi".split())
        base = self.file("nginx.conf", f"""\
daemon off;
pid {self.scratch}/nginx.pid;
{'user www-data;' if os.getuid() == 0 else ''}
events {{ }}
http {{
{paths}
access_log off;
include /etc/nginx/mime.types;
include {self.scratch}/site.conf;
}}
""")
        self.run_server(nginx, "-p", str(self.scratch), "-e", "stderr", "-c", base)
        self.check()
        self.check_git_is_hidden()

    def test_caddy(self):
        caddy = self.program("caddy")
        text = self.printed("caddy")
        # As it is: the words are all known.
        valid = subprocess.run([caddy, "adapt", "--adapter", "caddyfile", "--config", self.file("Caddyfile.real", text)],
                               env=self.env, capture_output=True, text=True, timeout=harness.PATIENCE)
        self.assertEqual(valid.returncode, 0, valid.stderr)
        # Over http and without its administration port, since a certificate cannot be had here.
        base = self.file("Caddyfile", "{\n\tadmin off\n}\n" + self.replaced(text, (f"\n{NAME} {{", f"\nhttp://{NAME}:{self.port} {{")))
        self.run_server(caddy, "run", "--adapter", "caddyfile", "--config", base)
        self.check()
        self.check_git_is_hidden()

    def test_mistakes_are_told(self):
        for arguments, message in {("apache", "--root", "relative"): "not an absolute path", ("nginx", "--name", "a;b"): "not a host name",
                                   ("caddy", "--htaccess"): "--htaccess is apache's", ("iis",): "iis", (): "required"}.items():
            result = subprocess.run([harness.WASMCTL, "hosting", *arguments], env=self.env, capture_output=True, text=True,
                                    timeout=harness.PATIENCE)
            self.assertEqual((result.returncode, result.stdout), (2, ""), arguments)
            self.assertIn(message, result.stderr)


if __name__ == "__main__":
    harness.main()
