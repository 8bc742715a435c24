"""grpcurl, as far as docs/programs.md uses it: what the server says of itself by reflection, and calls made of JSON.

A stand-in, for machines without it; https://github.com/fullstorydev/grpcurl has the command line."""

from __future__ import annotations

import argparse
import sys

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


def main() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("-plaintext", action="store_true", required=True)
    parser.add_argument("-unix", action="store_true", required=True)
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data", default="{}")
    parser.add_argument("address")
    parser.add_argument("verb")
    parser.add_argument("symbol", nargs="?")
    options = parser.parse_args()
    metadata = [tuple(header.split(": ", 1)) for header in options.headers]
    with grpc.insecure_channel(f"unix:{options.address}") as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        pool = DescriptorPool(database)
        if options.verb == "list":
            print("\n".join(sorted(database.get_services())))
            return
        if options.verb == "describe":
            service, name = options.symbol.rsplit(".", 1)
            method = pool.FindServiceByName(service).methods_by_name[name]
            print(f"{method.full_name} is a method:\nrpc {name} ( .{method.input_type.full_name} )")
            return
        service, name = options.verb.split("/")
        method = pool.FindServiceByName(service).methods_by_name[name]
        request = json_format.Parse(options.data, message_factory.GetMessageClass(method.input_type)())
        answer = message_factory.GetMessageClass(method.output_type)
        call = (channel.unary_stream if method.server_streaming else channel.unary_unary)(
            f"/{options.verb}", type(request).SerializeToString, answer.FromString)
        try:
            made = call(request, timeout=30, metadata=metadata)
            for message in made if method.server_streaming else [made]:
                print(json_format.MessageToJson(message))
        except grpc.RpcError as failure:
            sys.exit(f"ERROR:\n  Code: {failure.code().name}\n  Message: {failure.details()}")


main()
