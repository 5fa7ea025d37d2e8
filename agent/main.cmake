# Wiring only: the one place that links all of the agent.
add_executable(wasmagent main.cc main_log.cc main_probe.cc config.cc agent.cc)
target_compile_definitions(wasmagent PRIVATE WASMAGENT_VERSION="${PROJECT_VERSION}")
target_link_libraries(
  wasmagent PRIVATE standard_settings standard_warnings wasmagent_service wasmagent_builds wasmagent_sandbox
                    wasmagent_yaml_config CLI11::CLI11 spdlog::spdlog)
install(TARGETS wasmagent RUNTIME DESTINATION bin)
