# wasmagent_proto: messages and stubs of everything below proto/, generated at build time.
set(PROTO_ROOT ${PROJECT_SOURCE_DIR}/proto)
set(PROTO_OUT ${PROJECT_BINARY_DIR}/proto)
file(MAKE_DIRECTORY ${PROTO_OUT})
file(GLOB_RECURSE PROTO_FILES CONFIGURE_DEPENDS ${PROTO_ROOT}/*.proto)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
set(PROTO_SOURCES)
foreach(proto ${PROTO_FILES})
  file(RELATIVE_PATH rel ${PROTO_ROOT} ${proto})
  string(REGEX REPLACE "\\.proto$" "" stem ${rel})
  set(outs ${PROTO_OUT}/${stem}.pb.cc ${PROTO_OUT}/${stem}.pb.h)
  set(grpc_args)
  # Only files with a service get stubs: the others would compile an empty unit against all of gRPC.
  file(STRINGS ${proto} has_service REGEX "^service ")
  if(has_service)
    list(APPEND outs ${PROTO_OUT}/${stem}.grpc.pb.cc ${PROTO_OUT}/${stem}.grpc.pb.h)
    set(grpc_args --grpc_out=${PROTO_OUT} --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN})
  endif()
  add_custom_command(
    OUTPUT ${outs}
    COMMAND protobuf::protoc --proto_path=${PROTO_ROOT} --cpp_out=${PROTO_OUT} ${grpc_args} ${proto}
    DEPENDS ${PROTO_FILES}
    VERBATIM)
  list(APPEND PROTO_SOURCES ${outs})
endforeach()
add_library(wasmagent_proto STATIC ${PROTO_SOURCES})
target_compile_features(wasmagent_proto PUBLIC cxx_std_20)
target_include_directories(wasmagent_proto SYSTEM PUBLIC ${PROTO_OUT})
target_link_libraries(wasmagent_proto PUBLIC gRPC::grpc++ protobuf::libprotobuf)
