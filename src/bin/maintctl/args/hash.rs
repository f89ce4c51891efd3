//! The arguments of `hash`.

use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  maintctl hash                                  # reads the secret from the terminal, without echo\n  \
    maintctl hash < secret.txt\n\n\
    The output is the value of a rule:\n  headers: [ { name: x-staff, value: { sha256: \"…\" } } ]\n\n\
    A final line break of the input does not belong to the secret. Use a long random secret, such as that of `openssl rand \
    -hex 32`: a short one can be found from its digest."
)]
pub struct HashArgs {
    /// Catches a secret that is typed as an argument, where other users can read it.
    #[arg(value_name = "SECRET", hide = true, num_args = 0.., allow_hyphen_values = true)]
    pub typed: Vec<String>,
}
