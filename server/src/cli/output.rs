//! What commands print on standard output. `println!` panics where it cannot be written: the disk is full, or the program that
//! reads it has ended (`gangway openapi | head`).

use std::io::Write as _;

use super::CommandError;

/// Prints a line, or the error that it could not be.
pub(super) fn line(text: std::fmt::Arguments<'_>) -> Result<(), CommandError> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{text}")
        .and_then(|()| output.flush())
        .map_err(CommandError::Output)
}

/// `print_line!("{} things", 3)`: as `println!`, in functions that return a `CommandError`.
macro_rules! print_line {
    ($($text:tt)*) => {
        $crate::cli::output::line(format_args!($($text)*))?
    };
}
pub(super) use print_line;
