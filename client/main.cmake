# Wiring only.
add_executable(wasmctl main.cc)
target_compile_definitions(wasmctl PRIVATE WASMAGENT_VERSION="${PROJECT_VERSION}")
target_link_libraries(wasmctl PRIVATE standard_settings standard_warnings wasmagent_client_command)
install(TARGETS wasmctl RUNTIME DESTINATION bin)
