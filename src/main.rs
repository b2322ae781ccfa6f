//! The `ferrotape` program: arguments in, exit status out.

use std::process::ExitCode;

fn main() -> ExitCode {
    ferrotape::run(std::env::args_os()).into()
}
