//! `maintctl doctor`: checks a target from end to end, and says what to do.

use std::process::ExitCode;

use anyhow::Result;

use crate::args::DoctorArgs;
use crate::args::common::Global;
use crate::config::target::Target;
use crate::diagnosis::remark::{Remark, Severity, Topic};
use crate::terminal::output;
use crate::terminal::times::deadline;
use examination::Examination;

mod examination;
mod print;

pub fn run(global: &Global, args: &DoctorArgs) -> Result<ExitCode> {
    let examination = match Target::load(global) {
        Ok(target) => Examination::of(&target, deadline(args.timeout)),
        Err(error) => {
            let problem = format!("{error:#}");
            let remark = Remark::new(Topic::Configuration, Severity::Error, problem, "");
            Examination { checks: vec![Topic::Configuration], remarks: vec![remark], facts: Vec::new() }
        }
    };
    if args.json {
        answer!("{}", print::json(&examination));
    } else {
        output::script(&print::text(&examination))?;
    }
    Ok(ExitCode::from(u8::from(examination.has_problem())))
}
