//! The results of checks, as lines and as JSON.

use serde_json::{Value, json};

use super::examination::Examination;
use crate::diagnosis::remark::{Remark, Topic};
use crate::terminal::output::{has_colours, shown};

/// One line for each remark, and for each check without any. The result is trusted text.
pub fn text(examination: &Examination) -> String {
    let line = |level: &str, topic: Topic, text: &str| {
        let padded = format!("{level:<8}");
        format!("{}{}: {}\n", coloured(level, &padded), topic.name(), shown(text))
    };
    let of_topic = |topic: Topic| -> String {
        let found = remarks(examination, topic);
        if found.is_empty() {
            return line("ok", topic, fact(examination, topic));
        }
        found.iter().map(|remark| line(remark.severity.name(), topic, &remark.line())).collect()
    };
    checked(examination).map(of_topic).collect()
}

/// The checks and remarks as one JSON value.
pub fn json(examination: &Examination) -> Value {
    let of_topic = |topic: Topic| -> Vec<Value> {
        let found = remarks(examination, topic);
        if found.is_empty() {
            return vec![json!({ "topic": topic.name(), "level": "ok", "text": fact(examination, topic) })];
        }
        found.iter().map(|remark| remark.json()).collect()
    };
    json!({ "healthy": !examination.has_problem(), "checks": checked(examination).flat_map(of_topic).collect::<Value>() })
}

/// The properties that were checked, in their order.
fn checked(examination: &Examination) -> impl Iterator<Item = Topic> {
    Topic::ALL
        .into_iter()
        .filter(|topic| examination.checks.contains(topic) || !remarks(examination, *topic).is_empty())
}

/// The remarks on a property, the worst first.
fn remarks(examination: &Examination, topic: Topic) -> Vec<&Remark> {
    let mut found: Vec<&Remark> = examination.remarks.iter().filter(|remark| remark.topic == topic).collect();
    found.sort_by_key(|remark| std::cmp::Reverse(remark.severity));
    found
}

fn fact(examination: &Examination, topic: Topic) -> &str {
    let facts = examination.facts.iter().filter(|(about, _)| *about == topic);
    facts.map(|(_, text)| text.as_str()).next().unwrap_or_default()
}

/// `text` in the colour of a level, on a terminal.
fn coloured(level: &str, text: &str) -> String {
    let code = match level {
        "ok" => "32",
        "warning" => "33",
        "error" => "31",
        _ => return text.to_owned(),
    };
    if has_colours() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}
