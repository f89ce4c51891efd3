//! The arguments of `completions`.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    maintctl completions bash > ~/.local/share/bash-completion/completions/maintctl\n  \
    maintctl completions fish > ~/.config/fish/completions/maintctl.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}
