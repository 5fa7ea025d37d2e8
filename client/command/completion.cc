// completion: scripts for shells, made from the command line's own description.
#include <cstdio>

#include "CLI/CLI.hpp"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "fmt/format.h"

namespace wasmagent::client {
namespace {

std::string Words(const CLI::App& command) {
  std::string words;
  for (const CLI::App* sub : command.get_subcommands({})) words += sub->get_name() + " ";
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  }
  return words;
}

std::string Bash(const CLI::App& app) {
  std::string cases;
  for (const CLI::App* sub : app.get_subcommands({})) {
    cases += fmt::format("    {}) words=\"{}\" ;;\n", sub->get_name(), Words(*sub));
  }
  return fmt::format(
      "_wasmctl() {{\n  local cur=${{COMP_WORDS[COMP_CWORD]}} words=\"{}\"\n  case ${{COMP_WORDS[1]}} in\n{}  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n  [ ${{#COMPREPLY[@]}} -gt 0 ] || COMPREPLY=($(compgen -f "
      "-- \"$cur\"))\n"
      "}}\ncomplete -F _wasmctl wasmctl\n",
      Words(app), cases);
}

// Between single quotes, where fish knows two escapes.
std::string FishQuoted(const std::string& text) {
  std::string quoted = "'";
  for (char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string Fish(const CLI::App& app) {
  std::string text;
  for (const CLI::App* sub : app.get_subcommands({})) {
    text += fmt::format("complete -c wasmctl -n __fish_use_subcommand -f -a {} -d {}\n", sub->get_name(),
                        FishQuoted(sub->get_description()));
    for (const CLI::Option* option : sub->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        text += fmt::format("complete -c wasmctl -n '__fish_seen_subcommand_from {}' -l {}\n", sub->get_name(), name);
      }
    }
  }
  return text;
}

}  // namespace

void AddCompletion(CLI::App& app, CommandContext& context) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("completion", "Print completions for a shell: source <(wasmctl completion bash)");
  command->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([&app, &context, shell] {
    context.action = [&app, shell]() -> CommandResult {
      std::string text = *shell == "fish" ? Fish(app) : Bash(app);
      // zsh runs bash's completions.
      if (*shell == "zsh") text = "autoload -U +X bashcompinit && bashcompinit\n" + text;
      std::fputs(text.c_str(), stdout);
      return kSucceeded;
    };
  });
}

}  // namespace wasmagent::client
