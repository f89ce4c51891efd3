//! docs/lint.md: its transcript, and the table of codes.

use std::fs;

use tempfile::TempDir;

use super::{markdown, transcript};
use crate::support::client;
use crate::support::maintctl;

const PAGE: &str = "docs/lint.md";

/// A policy with two mistakes.
const POLICY: &str = r#"fleet: prod-eu
sites:
- name: shop
  hosts: [shop.example.com]
  exempt:
  - name: partners
    paths: [{ regex: "^/api" }]
  - name: members
    cookies: [{ name: sessionid }]
"#;

#[tokio::test]
async fn the_transcript_of_lint_is_as_documented() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
    let mut shown = String::new();
    for line in ["cat policy.yaml", "maintctl lint policy.yaml"] {
        let output = transcript::shell(folder.path(), line).output().await.unwrap();
        shown += &transcript::command(line, &output.into());
    }
    transcript::assert_documented(PAGE, &[shown]);
}

#[tokio::test]
async fn the_page_lists_every_code() {
    let listed = client::run(maintctl(), &["lint", "--codes"]).await;
    let codes: Vec<&str> = listed.stdout.lines().skip(1).collect();
    let page = fs::read_to_string(markdown::file(PAGE).path).unwrap();
    for line in &codes {
        let (code, rest) = line.split_once(' ').unwrap();
        let (level, meaning) = rest.trim_start().split_once(' ').unwrap();
        let row = format!("| `{code}` | {level} | {} |\n", meaning.trim());
        assert!(page.contains(&row), "{PAGE} lacks the row {row}");
    }
    let rows = page.split_once("## Codes").unwrap().1.matches("\n| `").count();
    assert_eq!(rows, codes.len(), "{PAGE} has a code that does not exist");
}
