"""A client of another make: Python's gRPC against the build service, with nothing of wasmctl in it."""

import hashlib
import os
import uuid

import harness
import wire
from wire import grpc, reapi


def digest(data):
    return reapi.Digest(hash=hashlib.sha256(data).hexdigest(), size_bytes=len(data))


class ForeignClient(harness.Case):
    def setUp(self):
        super().setUp()
        self.start_agent()
        channel = grpc.insecure_channel(self.agent.address)
        self.addCleanup(channel.close)
        self.cas = wire.Stub(channel, wire.reapi, "ContentAddressableStorage")
        self.builds = wire.Stub(channel, wire.build_service, "BuildService")
        self.agents = wire.Stub(channel, wire.agent_service, "AgentService")
        self.bytes = wire.Stub(channel, wire.bytestream, "ByteStream")

    def tree(self, files):
        """The blobs of a flat tree by "hash/size", and its root."""
        blobs = {}
        directory = reapi.Directory()
        for name, data in sorted(files.items()):
            directory.files.add(name=name, digest=digest(data))
            blobs[f"{digest(data).hash}/{len(data)}"] = data
        data = directory.SerializeToString(deterministic=True)
        blobs[f"{digest(data).hash}/{len(data)}"] = data
        return blobs, digest(data)

    def upload(self, blobs):
        request = reapi.BatchUpdateBlobsRequest()
        for data in blobs:
            request.requests.add(digest=digest(data), data=data)
        for response in self.cas.BatchUpdateBlobs(request).responses:
            self.assertEqual(response.status.code, 0, response)

    def start(self, root, **fields):
        request = wire.build_service.StartBuildRequest()
        request.build.build_id = fields.pop("build_id", str(uuid.uuid4()))
        request.build.root.CopyFrom(root)
        request.build.checkout.id = "foreign"
        request.build.targets.append(fields.pop("target", "native"))
        return self.builds.StartBuild(request).build

    def test_a_build_from_tree_to_artifacts(self):
        """The whole path by the wire alone: the refusal lists what is missing, just that is sent, the build runs, its artifacts are read."""
        blobs, root = self.tree({"Makefile": b"all: hello\nhello: hello.c\n\tcc -o $@ $<\n",
                                 "hello.c": b"int main(void) { return 0; }\n",
                                 "wasmbuild.yaml": b"version: 1\ntargets:\n  native:\n    description: x\n    toolchain: native\n"
                                                   b"    build_dir: .\n    steps:\n      - {name: make, kind: make, argv: [make]}\n"
                                                   b"    artifacts: [hello]\n"})
        sent = set()
        while True:
            try:
                build = self.start(root)
                break
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.FAILED_PRECONDITION, error)
                missing = wire.missing_blobs(error)
                self.assertTrue(missing and not sent & set(missing), missing)
                sent |= set(missing)
                # Children before parents: a folder that is present has everything below it.
                self.upload(sorted((blobs[name] for name in missing), key=lambda data: digest(data) == root))
        self.assertEqual(sent, set(blobs))
        events = [event for response in self.builds.WatchBuild(wire.build_service.WatchBuildRequest(
            build_id=build.request.build_id)) for event in response.events]
        self.assertEqual([event.sequence for event in events], list(range(1, len(events) + 1)))
        self.assertEqual(events[-1].ended.outcome, wire.build.OUTCOME_SUCCEEDED, events[-1])
        artifacts = next(event.artifacts for event in events if event.HasField("artifacts"))
        answer = self.cas.BatchReadBlobs(reapi.BatchReadBlobsRequest(digests=[artifacts.root])).responses[0]
        node = reapi.Directory.FromString(answer.data).files[0]
        self.assertEqual((node.name, node.is_executable), ("hello", True))

    def pieces(self, name, data, size, offset=0, finish=True):
        """WriteRequests for data[offset:], `size` bytes each; without `finish` the stream stops short of its end."""
        for at in range(offset, len(data), size):
            last = at + size >= len(data)
            yield wire.bytestream.WriteRequest(resource_name=name if at == offset else "", write_offset=at, data=data[at:at + size],
                                               finish_write=last and finish)

    def read(self, name, **fields):
        return b"".join(answer.data for answer in self.bytes.Read(wire.bytestream.ReadRequest(resource_name=name, **fields)))

    def test_a_stream_of_bytes_is_written_and_read_from_any_offset(self):
        data = bytes(range(256)) * 30000
        blob = digest(data)
        answer = self.bytes.Write(self.pieces(f"uploads/{uuid.uuid4()}/blobs/{blob.hash}/{len(data)}", data, 1 << 20))
        self.assertEqual(answer.committed_size, len(data))
        name = f"blobs/{blob.hash}/{len(data)}"
        self.assertEqual(self.read(name), data)
        self.assertEqual(self.read(name, read_offset=5_000_001), data[5_000_001:])
        self.assertEqual(self.read(name, read_offset=7, read_limit=11), data[7:18])
        for bad, code in (({"read_offset": len(data) + 1}, grpc.StatusCode.OUT_OF_RANGE), ({"read_offset": -1}, grpc.StatusCode.OUT_OF_RANGE)):
            with self.assertRaises(grpc.RpcError) as caught:
                self.read(name, **bad)
            self.assertEqual(caught.exception.code(), code)

    def test_an_upload_goes_on_where_it_was_cut(self):
        data = os.urandom(3 << 20)
        blob = digest(data)
        name = f"uploads/{uuid.uuid4()}/blobs/{blob.hash}/{len(data)}"
        with self.assertRaises(grpc.RpcError):
            # Half of it, and the stream closed without finish_write.
            self.bytes.Write(self.pieces(name, data[:1 << 20], 1 << 18, finish=False))
        status = self.bytes.QueryWriteStatus(wire.bytestream.QueryWriteStatusRequest(resource_name=name))
        self.assertEqual((status.committed_size, status.complete), (1 << 20, False))
        answer = self.bytes.Write(self.pieces(name, data, 1 << 18, offset=status.committed_size))
        self.assertEqual(answer.committed_size, len(data))
        self.assertEqual(self.read(f"blobs/{blob.hash}/{len(data)}"), data)

    def test_bytes_of_another_digest_are_refused(self):
        data = b"x" * 5000
        name = f"uploads/{uuid.uuid4()}/blobs/{digest(b'y' * 5000).hash}/5000"
        with self.assertRaises(grpc.RpcError) as caught:
            self.bytes.Write(self.pieces(name, data, 1000))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        missing = self.cas.FindMissingBlobs(reapi.FindMissingBlobsRequest(blob_digests=[digest(b"y" * 5000)])).missing_blob_digests
        self.assertEqual(len(missing), 1)

    def test_capabilities_and_trees_and_results(self):
        """What other clients ask first; a tree in one call; the ActionCache takes nothing from clients."""
        channel = grpc.insecure_channel(self.agent.address)
        self.addCleanup(channel.close)
        offered = wire.Stub(channel, wire.reapi, "Capabilities").GetCapabilities(reapi.GetCapabilitiesRequest()).cache_capabilities
        self.assertIn(reapi.DigestFunction.SHA256, offered.digest_functions)
        self.assertGreater(offered.max_batch_total_size_bytes, 0)
        below, inner = self.tree({"b.c": b"int b;"})
        folder = reapi.Directory()
        folder.files.add(name="a.c", digest=digest(b"int a;"))
        folder.directories.add(name="sub", digest=inner)
        data = folder.SerializeToString(deterministic=True)
        self.upload([*below.values(), b"int a;"])
        self.upload([data])
        pages = list(self.cas.GetTree(reapi.GetTreeRequest(root_digest=digest(data), page_size=1)))
        self.assertEqual([d.files[0].name for page in pages for d in page.directories], ["a.c", "b.c"])
        cache = wire.Stub(channel, wire.reapi, "ActionCache")
        for call, code in ((lambda: cache.GetActionResult(reapi.GetActionResultRequest(action_digest=digest(b"none"))),
                            grpc.StatusCode.NOT_FOUND),
                           (lambda: cache.UpdateActionResult(reapi.UpdateActionResultRequest(action_digest=digest(b"none"))),
                            (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED)),
                           (lambda: list(self.cas.GetTree(reapi.GetTreeRequest(root_digest=digest(b"none")))), grpc.StatusCode.NOT_FOUND)):
            with self.assertRaises(grpc.RpcError) as caught:
                call()
            self.assertIn(caught.exception.code(), code if isinstance(code, tuple) else (code,))

    def test_the_same_id_is_the_same_build(self):
        """A retry of StartBuild never builds twice."""
        blobs, root = self.tree({"Makefile": b"all:\n\ttrue\n"})
        self.upload(blobs.values())
        first = self.start(root, target="native")
        again = self.start(root, target="native", build_id=first.request.build_id)
        self.assertEqual(first.create_time, again.create_time)
        listed = self.builds.ListBuilds(wire.build_service.ListBuildsRequest()).builds
        self.assertEqual(len(listed), 1)

    def test_bad_requests_are_refused_by_field(self):
        blobs, root = self.tree({"Makefile": b"all:\n"})
        self.upload(blobs.values())
        for fields, word in (({"build_id": "../../x"}, "build_id"), ({"target": "a b"}, "targets"), ({"target": "nonesuch"}, "nonesuch")):
            with self.assertRaises(grpc.RpcError) as caught:
                self.start(root, **fields)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
            self.assertIn(word, caught.exception.details())

    def test_an_unknown_build_is_not_found(self):
        for call in (lambda: self.builds.GetBuild(wire.build_service.GetBuildRequest(build_id="00000000")),
                     lambda: list(self.builds.WatchBuild(wire.build_service.WatchBuildRequest(build_id="00000000"))),
                     lambda: self.builds.CancelBuild(wire.build_service.CancelBuildRequest(build_id="00000000"))):
            with self.assertRaises(grpc.RpcError) as caught:
                call()
            self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_files_outside_the_bind_roots_are_not_read(self):
        secret = self.scratch / "secret"
        secret.write_bytes(b"secret")
        request = wire.agent_service.ImportBlobsRequest(folder=str(self.scratch))
        request.files.add(path="secret", digest=digest(b"secret"))
        with self.assertRaises(grpc.RpcError) as caught:
            self.agents.ImportBlobs(request)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.PERMISSION_DENIED)

    def test_import_stays_below_its_root_and_checks_digests(self):
        self.agent.stop()
        self.start_agent("--bind-root", str(self.src))
        (self.scratch / "secret").write_bytes(b"secret")
        self.write("good", "good")
        self.write("changed", "other")
        (self.src / "link").symlink_to(self.scratch / "secret")
        request = wire.agent_service.ImportBlobsRequest(folder=str(self.src))
        for path, data in (("good", b"good"), ("changed", b"first"), ("link", b"secret"), ("../secret", b"secret"), ("absent", b"?")):
            request.files.add(path=path, digest=digest(data))
        channel = grpc.insecure_channel(self.agent.address)
        self.addCleanup(channel.close)
        failures = wire.Stub(channel, wire.agent_service, "AgentService").ImportBlobs(request).failures
        self.assertEqual(sorted(failure.index for failure in failures), [1, 2, 3, 4])
        missing = wire.Stub(channel, wire.reapi, "ContentAddressableStorage").FindMissingBlobs(
            reapi.FindMissingBlobsRequest(blob_digests=[digest(b"good"), digest(b"secret")])).missing_blob_digests
        self.assertEqual([d.hash for d in missing], [digest(b"secret").hash])

    def test_health_and_reflection_answer(self):
        channel = grpc.insecure_channel(self.agent.address)
        self.addCleanup(channel.close)
        health = channel.unary_unary("/grpc.health.v1.Health/Check")
        self.assertEqual(health(b""), b"\x08\x01")  # SERVING
        reflect = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        answer = next(iter(reflect(iter([b"\x3a\x00"]))))  # list_services
        for name in (b"wasmagent.v1.BuildService", b"wasmagent.v1.AgentService",
                     b"build.bazel.remote.execution.v2.ContentAddressableStorage", b"google.bytestream.ByteStream"):
            self.assertIn(name, answer)


if __name__ == "__main__":
    harness.main()
