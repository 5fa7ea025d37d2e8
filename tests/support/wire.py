"""The agent's services for a client of another make: Python's gRPC and messages made by protoc, no code of this project."""

import importlib
import os
import pathlib
import subprocess
import sys
import tempfile

PROTO = pathlib.Path(os.environ.get("WASMAGENT_SOURCE", pathlib.Path(__file__).parents[2])) / "proto"
_out = tempfile.TemporaryDirectory()
subprocess.run(["protoc", f"--proto_path={PROTO}", f"--python_out={_out.name}",
                *[str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto")]], cwd=PROTO, check=True)
sys.path.insert(0, _out.name)
# "google" is a package of protobuf's own, too: the generated part of it is added to its path.
import google  # noqa: E402

google.__path__.append(f"{_out.name}/google")
import grpc  # noqa: E402


def module(name):
    """The messages of proto/<name>.proto."""
    return importlib.import_module(name.replace("/", ".") + "_pb2")


reapi = module("build/bazel/remote/execution/v2/remote_execution")
bytestream = module("google/bytestream/bytestream")
error_details = module("google/rpc/error_details")
rpc_status = module("google/rpc/status")
build = module("wasmagent/v1/build")
build_service = module("wasmagent/v1/build_service")
agent_service = module("wasmagent/v1/agent_service")


class Stub:
    """Methods of a service by name, made from its descriptor."""

    def __init__(self, channel, file, service):
        descriptor = file.DESCRIPTOR.services_by_name[service]
        from google.protobuf import message_factory, symbol_database
        make = getattr(message_factory, "GetMessageClass", None) or symbol_database.Default().GetPrototype
        for method in descriptor.methods:
            proto = _method_proto(file, service, method.name)
            kind = {(False, False): channel.unary_unary, (False, True): channel.unary_stream,
                    (True, False): channel.stream_unary}[proto.client_streaming, proto.server_streaming]
            setattr(self, method.name, kind(f"/{descriptor.full_name}/{method.name}",
                                            request_serializer=make(method.input_type).SerializeToString,
                                            response_deserializer=make(method.output_type).FromString))


def _method_proto(file, service, method):
    from google.protobuf import descriptor_pb2
    proto = descriptor_pb2.FileDescriptorProto()
    file.DESCRIPTOR.CopyToProto(proto)
    return next(m for s in proto.service if s.name == service for m in s.method if m.name == method)


def missing_blobs(error):
    """The digests that a FAILED_PRECONDITION lists, as "hash/size"."""
    for key, value in error.trailing_metadata():
        if key == "grpc-status-details-bin":
            status = rpc_status.Status.FromString(value)
            failure = error_details.PreconditionFailure()
            status.details[0].Unpack(failure)
            return [violation.subject.removeprefix("blobs/") for violation in failure.violations if violation.type == "MISSING"]
    return []
