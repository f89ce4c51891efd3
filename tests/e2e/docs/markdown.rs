//! Markdown files: their fences, links, headings and inline code.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::support::project;

/// A Markdown file of the project.
pub struct MarkdownFile {
    /// The path below the project's folder.
    pub name: String,
    pub path: PathBuf,
    text: String,
}

/// A fenced block.
pub struct Fence {
    /// File and line.
    pub place: String,
    /// The info string.
    pub kind: String,
    pub text: String,
}

/// README.md, CHANGELOG.md, and all pages in docs/ and .github/.
pub fn files() -> Vec<MarkdownFile> {
    let below = |folder: &str| {
        let entries = fs::read_dir(project().join(folder)).unwrap();
        let names = entries.map(|entry| format!("{folder}/{}", entry.unwrap().file_name().into_string().unwrap()));
        names.filter(|name| name.ends_with(".md")).collect::<Vec<_>>()
    };
    let mut names = [below("docs"), below(".github")].concat();
    names.extend(["README.md", "CHANGELOG.md"].map(str::to_owned));
    names.sort();
    names.iter().map(|name| file(name)).collect()
}

/// The words of code that can be names of fields, metrics or labels.
pub fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
}

/// One file.
pub fn file(name: &str) -> MarkdownFile {
    let path = project().join(name).canonicalize().unwrap_or_else(|error| panic!("{name}: {error}"));
    MarkdownFile { name: name.to_owned(), text: fs::read_to_string(&path).unwrap(), path }
}

impl MarkdownFile {
    fn events(&self) -> impl Iterator<Item = (Event<'_>, usize)> {
        let line = |at: usize| self.text[..at].lines().count() + 1;
        let parser = Parser::new_ext(&self.text, Options::ENABLE_TABLES).into_offset_iter();
        parser.map(move |(event, range)| (event, line(range.start)))
    }

    pub fn fences(&self) -> Vec<Fence> {
        let mut fences = Vec::new();
        let mut open: Option<Fence> = None;
        for (event, line) in self.events() {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    let kind = match kind {
                        CodeBlockKind::Fenced(info) => info.into_string(),
                        CodeBlockKind::Indented => "an indented block".to_owned(),
                    };
                    open = Some(Fence { place: format!("{}:{line}", self.name), kind, text: String::new() });
                }
                Event::Text(text) => open.iter_mut().for_each(|fence| fence.text.push_str(&text)),
                Event::End(TagEnd::CodeBlock) => fences.extend(open.take()),
                _ => {}
            }
        }
        fences
    }

    /// The targets of links and pictures.
    pub fn links(&self) -> Vec<String> {
        let target = |event| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
            Event::Html(html) | Event::InlineHtml(html) => {
                let (_, rest) = html.split_once("src=\"")?;
                Some(rest.split('"').next().unwrap_or_default().to_owned())
            }
            _ => None,
        };
        self.events().filter_map(|(event, _)| target(event)).collect()
    }

    /// The anchors of the headings, as code hosts make them: lower case, `-` for blanks, no punctuation.
    pub fn anchors(&self) -> BTreeSet<String> {
        let mut anchors = BTreeSet::new();
        let mut heading: Option<String> = None;
        for (event, _) in self.events() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::Text(text) | Event::Code(text) => heading.iter_mut().for_each(|heading| heading.push_str(&text)),
                Event::End(TagEnd::Heading(_)) => anchors.extend(heading.take().map(|heading| {
                    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
                    kept.collect::<String>().to_lowercase().replace(' ', "-")
                })),
                _ => {}
            }
        }
        anchors
    }

    /// All inline code.
    pub fn codes(&self) -> Vec<String> {
        let code = |event| match event {
            Event::Code(code) => Some(code.into_string()),
            _ => None,
        };
        self.events().filter_map(|(event, _)| code(event)).collect()
    }
}
