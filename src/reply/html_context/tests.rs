use proptest::prelude::*;

use super::*;
use crate::reply::escape::Escape;

/// Pages in which a variable is allowed at the `$`.
const ALLOWED: &[&str] = &[
    "<p>$</p>",
    "a < b $",
    "</>$",
    "</ a='>$",
    "<title>$</title>",
    "<title>a < b $</title>",
    "<textarea><!-- $</textarea>",
    "<!DOCTYPE html><!-- a -- b --><p>$",
    "<!-->$",
    "<!--->$",
    "<!-- a --!>$",
    "<?xml a='>$",
    "<img alt=\"$\">",
    "<img alt = '$'/>",
    "<img alt='\"$\"'/>",
    "<time datetime=\"$\">",
    "<main data-eta=\"$\" data-href='$'>",
    "<style>p { color: red }</style><p>$",
    "<script>a = '</p>' + \"</scripts>\"</script ><p>$",
    "<SCRIPT>a</b/.x</script/><p>$",
];

fn context(page: &str) -> Result<HtmlContext, &'static str> {
    let mut context = HtmlContext::default();
    context.literal(page)?;
    Ok(context)
}

/// Checks a page with variables at each `$`.
fn check(page: &str) -> Result<(), &'static str> {
    let mut context = HtmlContext::default();
    for (index, literal) in page.split('$').enumerate() {
        if index > 0 {
            context.variable()?;
        }
        context.literal(literal)?;
    }
    context.end()
}

#[test]
fn a_variable_is_allowed_in_text_and_in_quoted_plain_attributes() {
    for page in ALLOWED {
        assert_eq!(check(page), Ok(()), "{page}");
    }
}

#[test]
fn a_variable_is_refused_anywhere_else() {
    for (page, position) in [
        ("<$>", "the name of a tag"),
        ("</$>", "the name of a tag"),
        ("<a$>", "the name of a tag"),
        ("<title></$</title>", "a tag"),
        ("<a $>", "the name of an attribute"),
        ("<a b$>", "the name of an attribute"),
        ("<a b=$>", "an attribute without quotes"),
        ("<a b=c$>", "an attribute without quotes"),
        ("<!-- $ -->", "a comment"),
        ("<!$>", "a comment"),
        ("<?$>", "a comment"),
        ("</ $>", "a comment"),
        ("<style>$</style>", "a style sheet"),
        ("<style>a</styles>$</style>", "a style sheet"),
        ("<p style=\"$\">", "a style attribute"),
        ("<p onclick=\"f('$')\">", "an event handler"),
        ("<svg><a><set attributeName=href to=\"$\">", "an animation"),
        ("<iframe srcdoc=\"$\">", "a srcdoc attribute"),
        ("<iframe>$</iframe>", "an iframe"),
        ("<script>$</script>", "a script"),
        ("<script>a = \"$\"</script>", "a script"),
        ("<script>a = '</p>'; $</script>", "a script"),
        ("<a href=\"$\">", "a URL"),
        ("<A HREF='/status?p=$'>", "a URL"),
        ("<a href =\"$\">", "a URL"),
        ("<img srcset=\"$\">", "a URL"),
        ("<form action=\"$\">", "a URL"),
        ("<meta http-equiv=refresh content=\"$\">", "the content of a meta element"),
        ("<meta name=description content='$'>", "the content of a meta element"),
    ] {
        assert_eq!(check(page), Err(position), "{page}");
    }
}

#[test]
fn a_page_ends_in_text() {
    for page in ["<p", "<p title='", "<!-- ", "<script>", "<style></styl", "<title>"] {
        assert_eq!(check(page), Err("ends inside a tag, a comment, a script or a style sheet"), "{page}");
    }
    assert_eq!(check("<script><!-- a</script>"), Err("has \"<!--\" inside a script"));
    assert_eq!(check("<svg><title><script>$</script>"), Err("has a tag inside a title or textarea"));
}

proptest! {
    #[test]
    fn an_escaped_value_never_changes_the_context(value in "[a-z<>\"'`/\\\\&=${}:;!\\- \n\u{2028}]{0,12}", page in 0..ALLOWED.len()) {
        let before = context(ALLOWED[page].split('$').next().unwrap()).unwrap();
        let mut written = String::new();
        Escape::Html.write(&value, &mut written);
        let mut after = before.clone();
        after.literal(&written).unwrap();
        prop_assert_eq!(after, before, "{}", written);
    }
}
