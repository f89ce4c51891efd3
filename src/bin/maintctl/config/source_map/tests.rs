use super::*;

/// The line and column of a key path in the first document.
fn at(text: &str, path: &str) -> (usize, usize) {
    let position = SourceMap::parse(text).unwrap().locate(0, path).unwrap().position;
    (position.line, position.column)
}

#[test]
fn a_key_path_leads_to_the_key_of_a_member_and_to_the_start_of_an_item() {
    let text = "a:\n  b: [x, {c: 1}]\n  d.e: # text\n    f: 2\n\nä: {g: 3, h: 4}\ncamelCase: { innerName: 5 }\n";
    for (path, expected) in [
        ("", (1, 1)),
        ("a", (1, 1)),
        ("a.b", (2, 3)),
        ("a.b[0]", (2, 7)),
        ("a.b[1]", (2, 10)),
        ("a.b[1].c", (2, 11)),
        ("a.d.e", (3, 3)),
        ("a.d.e.f", (4, 5)),
        ("ä.h", (6, 11)),
        ("camel_case.inner_name", (7, 14)),
    ] {
        assert_eq!(at(text, path), expected, "{path}");
    }
}

#[test]
fn a_missing_value_is_at_the_nearest_value_that_would_contain_it() {
    let text = "a:\n  b: [x]\nc: 1\n";
    for (path, expected) in [("a.b[7]", (2, 3)), ("a.x.y", (1, 1)), ("x", (1, 1)), ("c.d", (3, 1)), ("ab", (1, 1))] {
        assert_eq!(at(text, path), expected, "{path}");
    }
}

#[test]
fn values_in_a_block_scalar_have_lines_of_the_outer_text() {
    for (header, blank) in [("|", ""), ("|-", ""), ("|+", "\n"), ("|2", ""), ("| # comment", "")] {
        let text = format!("a:\n  value: {header}\n{blank}    {{\n      \"b\": {{ \"c\": 1 }}\n    }}\n");
        let more = blank.len();
        assert_eq!(at(&text, "a.value.b.c"), (4 + more, 14), "{text}");
        assert_eq!(at(&text, "a.value"), (2, 3), "{text}");
    }
    let location = SourceMap::parse("value: |\n  b: 1\n").unwrap().locate(0, "value.b").unwrap();
    assert_eq!(location, Location { position: Position { line: 2, column: 3 }, text_line: Some(1) });
    // Other texts have one position.
    for text in ["value: '{\"b\": 1}'", "value: >\n  b: 1\n", "value: |\n  {\n"] {
        assert_eq!(at(text, "value.b"), (1, 1), "{text}");
    }
}

#[test]
fn an_alias_has_its_own_position_and_its_members_have_those_of_the_anchor() {
    let text = "a: &x\n  b: 1\nc: *x\nd:\n  <<: *x\n  e: 2\nf: [*x]\n";
    for (path, expected) in
        [("c", (3, 1)), ("c.b", (2, 3)), ("d.b", (2, 3)), ("d.e", (6, 3)), ("f[0]", (7, 5)), ("f[0].b", (2, 3))]
    {
        assert_eq!(at(text, path), expected, "{path}");
    }
}

#[test]
fn documents_are_counted_without_empty_ones() {
    let map = SourceMap::parse("# nothing\n---\n---\nnull\n---\na: 1\n---\nb: 2\n").unwrap();
    let line = |document: usize, path: &str| map.locate(document, path).unwrap().position.line;
    assert_eq!((line(0, "a"), line(1, "b")), (6, 8));
    assert!(map.locate(2, "").is_none());
}

#[test]
fn comments_know_whether_they_have_a_line_of_their_own() {
    let map = SourceMap::parse("# one\na: 1 # two\nb: |\n  # no comment\nc: '# none'\n  # three\n").unwrap();
    let comments: Vec<_> =
        map.comments.iter().map(|own| (own.text.as_str(), own.position.line, own.has_own_line)).collect();
    assert_eq!(comments, [(" one", 1, true), (" two", 2, false), (" three", 6, true)]);
}

#[test]
fn a_syntax_error_has_a_position() {
    assert_eq!(SourceMap::parse("a: 1\nb: [\n").err(), Some(Position { line: 2, column: 4 }));
}
