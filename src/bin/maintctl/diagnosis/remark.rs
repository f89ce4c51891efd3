//! A problem with its remedy.

use serde_json::{Value, json};

use crate::terminal::output::shown;

/// The effect of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// None now; it explains something.
    Note,
    /// Something is probably wrong, or will be.
    Warning,
    /// Requests or changes do not have the effect that the operator expects.
    Error,
}

impl Severity {
    /// The name in output.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// The property of a target that a remark is about. `doctor` checks each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Configuration,
    Key,
    Envoys,
    Endpoints,
    Versions,
    Clocks,
    Plugins,
    Fleets,
    Policies,
    Keys,
    File,
    Adoption,
    Closures,
}

impl Topic {
    /// All topics, in the order of `doctor`.
    pub const ALL: [Topic; 13] = [
        Topic::Configuration,
        Topic::Key,
        Topic::Envoys,
        Topic::Endpoints,
        Topic::Versions,
        Topic::Clocks,
        Topic::Plugins,
        Topic::Fleets,
        Topic::Policies,
        Topic::Keys,
        Topic::File,
        Topic::Adoption,
        Topic::Closures,
    ];

    /// The name in output.
    pub fn name(self) -> &'static str {
        match self {
            Topic::Configuration => "configuration",
            Topic::Key => "key",
            Topic::Envoys => "envoys",
            Topic::Endpoints => "endpoints",
            Topic::Versions => "versions",
            Topic::Clocks => "clocks",
            Topic::Plugins => "plugins",
            Topic::Fleets => "fleets",
            Topic::Policies => "policies",
            Topic::Keys => "keys",
            Topic::File => "file",
            Topic::Adoption => "adoption",
            Topic::Closures => "closures",
        }
    }
}

/// A problem with its remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub topic: Topic,
    pub severity: Severity,
    /// The Envoy, file or site that has the problem; empty: the target.
    pub subject: String,
    pub problem: String,
    /// The next step; empty if there is none.
    pub remedy: String,
}

impl Remark {
    pub fn new(topic: Topic, severity: Severity, problem: impl Into<String>, remedy: impl Into<String>) -> Remark {
        Remark { topic, severity, subject: String::new(), problem: problem.into(), remedy: remedy.into() }
    }

    /// The same remark about `subject`.
    pub fn about(self, subject: &str) -> Remark {
        Remark { subject: subject.to_owned(), ..self }
    }

    /// The subject, the problem and the remedy as one line, without control characters.
    pub fn line(&self) -> String {
        let Remark { subject, problem, remedy, .. } = self;
        let subject = if subject.is_empty() { String::new() } else { format!("{subject}: ") };
        let remedy = if remedy.is_empty() { String::new() } else { format!("; {remedy}") };
        shown(&format!("{subject}{problem}{remedy}"))
    }

    /// The remark as JSON.
    pub fn json(&self) -> Value {
        json!({
            "topic": self.topic.name(), "level": self.severity.name(), "subject": self.subject,
            "problem": self.problem, "remedy": self.remedy,
        })
    }
}
