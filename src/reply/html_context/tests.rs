//! Pages with a variable, and how it is written there or why it is refused.

use proptest::prelude::*;

use super::*;

const PAGES: &[(&str, Escape)] = &[
    ("<p>$</p>", Escape::Html),
    ("a < b $", Escape::Html),
    ("<title>$</title>", Escape::Html),
    ("<!DOCTYPE html><!-- a -- b --><p>$", Escape::Html),
    ("<!-->$", Escape::Html),
    ("<img alt=\"$\">", Escape::Html),
    ("<img alt = '$'/>", Escape::Html),
    ("<time datetime=\"$\">", Escape::Html),
    ("<a href=\"/x?p=$\">", Escape::Url),
    ("<a href='https://example.com/$'>", Escape::Url),
    ("<a href=\"?$\">", Escape::Url),
    ("<A HREF=\"mailto:$\">", Escape::Url),
    ("<script>let a = \"$\";</script>", Escape::Script),
    ("<script>let a = 'it\\'s $';</script>", Escape::Script),
    ("<script>a(`{1} $`) // it's\n</script>", Escape::Script),
    ("<script>/* don't */ f('$')</SCRIPT >", Escape::Script),
    ("<script>if (a</b/.x) f('$')</script>", Escape::Script),
    ("<script>// don't\nf('$')</script>", Escape::Script),
    ("<style>p { color: red }</style><p>$", Escape::Html),
    ("<meta name=description content=\"$\">", Escape::Html),
];

/// Where the `$` of `page` stands.
fn at(page: &str, kind: ValueKind<'_>) -> Result<Escape, &'static str> {
    let mut position = HtmlContext::default();
    let (before, after) = page.split_once('$').unwrap();
    position.literal(before)?;
    let escape = position.variable(kind)?;
    position.literal(after)?;
    position.end()?;
    Ok(escape)
}

#[test]
fn a_variable_is_written_for_its_place() {
    for (page, escape) in PAGES.iter().copied() {
        assert_eq!(at(page, ValueKind::Text), Ok(escape), "{page}");
    }
}

#[test]
fn a_variable_that_cannot_be_made_safe_is_refused() {
    for (page, place) in [
        ("<$>", "in the name of a tag"),
        ("<a$>", "in the name of a tag"),
        ("<a $>", "in a tag outside an attribute's value"),
        ("<a b$>", "in a tag outside an attribute's value"),
        ("<a b=$>", "in an attribute without quotes"),
        ("<a b=c$>", "in an attribute without quotes"),
        ("<!-- $ -->", "in a comment"),
        ("<!$>", "in a comment"),
        ("<style>$</style>", "in a style sheet"),
        ("<style>a</styles>$</style>", "in a style sheet"),
        ("<p style=\"$\">", "in a style attribute"),
        ("<p onclick=\"f('$')\">", "in an event handler"),
        ("<svg><a><set attributeName=href to=\"$\">", "in an animation"),
        ("<iframe srcdoc=\"$\">", "in a srcdoc attribute"),
        ("<img srcset=\"$\">", "in a list of URLs"),
        ("<script>$</script>", "in a script outside a quoted string"),
        ("<script>// $\n</script>", "in a script outside a quoted string"),
        ("<script>/* '$' */</script>", "in a script outside a quoted string"),
        ("<script>a = 'b\n$</script>", "in a script outside a quoted string"),
        ("<script><!-- '$'</script>", "has \"<!--\" inside a script"),
        ("<a href=\"$\">", "where a URL's scheme could stand"),
        ("<a href=\"java$\">", "where a URL's scheme could stand"),
        ("<a href=\"javascript:f('$')\">", "in a URL whose scheme is not http, https, mailto or tel"),
        ("<a href=\" java\nscript:$\">", "in a URL whose scheme is not http, https, mailto or tel"),
        ("<a href=\"&#106;avascript:$\">", "in a URL that begins with a character reference"),
        ("<meta http-equiv=refresh content=\"$\">", "in the content of a meta element with http-equiv"),
        (
            "<meta content=\"$\" http-equiv=refresh>",
            "has a meta element with http-equiv whose content holds a variable",
        ),
        ("$<p", "ends inside a tag, a comment, a script or a style sheet"),
        ("$<script>", "ends inside a tag, a comment, a script or a style sheet"),
    ] {
        assert_eq!(at(page, ValueKind::Text), Err(place), "{page}");
    }
}

#[test]
fn the_operators_own_text_may_be_a_whole_url() {
    let scheme = Err("in a URL whose scheme is not http, https, mailto or tel");
    for (text, expected) in [
        ("https://status.example.com/?a=b&c=d", Ok(Escape::Html)),
        ("mailto:ops@example.com", Ok(Escape::Html)),
        ("/status", Ok(Escape::Html)),
        ("status.html", Ok(Escape::Html)),
        ("javascript:alert(1)", scheme),
        (" Java\tScript:alert(1)", scheme),
        ("data:text/html,x", scheme),
    ] {
        assert_eq!(at("<a href=\"$\">", ValueKind::Constant(text)), expected, "{text}");
    }
}

#[test]
fn a_number_may_be_a_refresh() {
    assert_eq!(at("<meta http-equiv=\"refresh\" content=\"$\">", ValueKind::Number), Ok(Escape::Html));
}
proptest! {
    #[test]
    fn no_value_moves_what_follows(value in "[a-z<>\"'`/\\\\&=${}:;!\\- \n\u{2028}]{0,12}", page in 0..PAGES.len()) {
        let mut position = HtmlContext::default();
        position.literal(PAGES[page].0.split('$').next().unwrap()).unwrap();
        let escape = position.variable(ValueKind::Text).unwrap();
        let mut written = String::new();
        escape.write(&value, &mut written);
        let before = position.clone();
        position.literal(&written).unwrap();
        prop_assert_eq!(position, before, "{}", written);
    }
}
