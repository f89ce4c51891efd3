//! The documents under check.

use std::fs;
use std::path::Path;

use anyhow::Context;
use envoy_maintenance::time::Time;

use super::code;
use super::finding::Finding;
use super::policy::subject::{Subject, subject};
use crate::config::policy_file::{self, FoundPolicy, PolicySource};
use crate::config::source_map::{Location, Position, SourceMap};

/// A file whose documents are read.
pub struct LintedFile {
    pub name: String,
    pub source_map: SourceMap,
    pub documents: Vec<LintedDocument>,
}

/// One document of a file, and its policies.
pub struct LintedDocument {
    /// The number of the document in its file, from 0.
    pub number: usize,
    pub source: PolicySource,
    /// The policies in the order of the source, compiled, or their errors.
    pub subjects: Vec<Result<Subject, Vec<Finding>>>,
}

impl LintedFile {
    pub fn read(path: &Path, now: Time) -> Result<LintedFile, Finding> {
        let name = path.display().to_string();
        match fs::read_to_string(path).context("cannot be read") {
            Ok(text) => LintedFile::parse(&name, &text, now),
            Err(error) => Err(Finding { file: name, ..code::NOT_READABLE.at("", format!("{error:#}")) }),
        }
    }

    pub fn parse(name: &str, text: &str, now: Time) -> Result<LintedFile, Finding> {
        let at = |position: Position| Location { position, text_line: None };
        let parsed = SourceMap::parse(text);
        let sources = policy_file::parse(name, text).map_err(|error| {
            // The error starts with the file name, which each finding prints anyway.
            let words = format!("{error:#}");
            let words = words.strip_prefix(&format!("{name}: ")).unwrap_or(&words).to_owned();
            let start = Position { line: 1, column: 1 };
            let location = Some(at(parsed.as_ref().err().copied().unwrap_or(start)));
            Finding { file: name.to_owned(), location, ..code::NOT_YAML.at("", words) }
        })?;
        let source_map = parsed.map_err(|position| {
            let location = Some(at(position));
            Finding { file: name.to_owned(), location, ..code::NOT_YAML.at("", "not YAML") }
        })?;
        let documents = sources.into_iter().enumerate().map(|(number, source)| {
            let subjects = source.policies.iter().map(|found| subject(found, now)).collect();
            LintedDocument { number, source, subjects }
        });
        Ok(LintedFile { name: name.to_owned(), documents: documents.collect(), source_map })
    }

    /// Adds the file and the location to a finding about one of its documents.
    pub fn placed(&self, document: usize, finding: Finding) -> Finding {
        let location = self
            .source_map
            .locate(document, &finding.path)
            .unwrap_or(Location { position: Position { line: 1, column: 1 }, text_line: None });
        Finding { file: self.name.clone(), location: Some(location), ..finding }
    }
}

impl LintedDocument {
    /// The valid policies.
    pub fn valid(&self) -> impl Iterator<Item = (&FoundPolicy, &Subject)> {
        let pairs = self.source.policies.iter().zip(&self.subjects);
        pairs.filter_map(|(found, subject)| Some((found, subject.as_ref().ok()?)))
    }
}
