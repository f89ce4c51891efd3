//! Input and output of the terminal: text, tables, live lines, times, and signals.

pub mod echo;
#[macro_use]
pub mod output;
pub mod progress;
pub mod question;
pub mod signals;
pub mod table;
pub mod times;
