use super::*;

const CONTEXT: [(&str, &str); 2] = [("team", "Ops & co"), ("none", "")];

fn template(source: &'static str, escape: Escape) -> Result<Template, String> {
    let context = CONTEXT.map(|(name, text)| (name.to_owned(), text.to_owned()));
    Template::compile(Rc::new(Cow::Borrowed(source)), escape, Names { context: Some(&context), built_in: false })
}

/// Renders a plain-text template in which every variable except `eta` has a value; values are in angle brackets.
fn rendered(source: &'static str) -> Result<String, String> {
    let template = template(source, Escape::Plain)?;
    let mut out = String::new();
    template.render(
        |variable| variable != Variable::Eta,
        |piece| match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Value(variable) => out.push_str(&format!("<{variable:?}>")),
        },
    );
    Ok(out)
}

#[test]
fn a_section_appears_only_if_its_variable_has_a_value() {
    for (source, expected) in [
        ("", ""),
        ("no variable } {", "no variable } {"),
        ("{{reason}}{{ path }}", "<Reason><Path>"),
        ("a {{#eta}}{{eta}}{{/eta}}b", "a b"),
        ("a {{^eta}}soon{{/eta}}b", "a soonb"),
        ("{{# reason }}x{{/ reason }}", "x"),
        ("{{#reason}}1{{#eta}}2{{/eta}}3{{^reason}}4{{/reason}}5{{/reason}}6", "1356"),
        ("{{#eta}}1{{#reason}}2{{/reason}}{{/eta}}3", "3"),
        ("{{team}}{{#team}}!{{/team}}{{^team}}?{{/team}}", "Ops & co!"),
        ("{{#none}}{{reason}}{{#eta}}x{{/eta}}{{/none}}{{^none}}-{{/none}}", "-"),
    ] {
        assert_eq!(rendered(source).as_deref(), Ok(expected), "{source}");
    }
}

#[test]
fn malformed_templates_are_refused() {
    for (source, message) in [
        ("a {{", "\"{{\" has no closing \"}}\""),
        ("{{reason", "\"{{reason\" has no closing \"}}\""),
        ("{{}}", "unknown variable \"{{}}\""),
        ("{{{reason}}}", "unknown variable \"{{{reason}}\"; did you mean \"reason\"?"),
        ("{{tem}}", "unknown variable \"{{tem}}\"; did you mean \"team\"?"),
        ("{{#tem}}", "unknown variable \"{{tem}}\"; did you mean \"team\"?"),
        ("{{#eta}}", "\"{{#eta}}\" has no closing \"{{/eta}}\""),
        ("{{/eta}}", "\"{{/eta}}\" closes no section"),
        ("{{#eta}}{{#until}}{{/eta}}{{/until}}", "expected \"{{/until}}\", found \"{{/eta}}\""),
    ] {
        assert_eq!(template(source, Escape::Plain).unwrap_err(), message, "{source}");
        assert_eq!(template(source, Escape::Html).unwrap_err(), message, "{source}");
    }
}

#[test]
fn html_templates_refuse_variables_outside_of_text_and_plain_attributes() {
    let hint = "put it into element text or into a quoted attribute such as data-value=\"…\"";
    for (source, problem) in [
        ("<a href=\"/?v={{reason}}\">", "\"{{reason}}\" is not allowed in a URL"),
        ("<a href='{{team}}'>", "\"{{team}}\" is not allowed in a URL"),
        ("<script>var a = '{{ mode }}'</script>", "\"{{mode}}\" is not allowed in a script"),
        ("<style>{{mode}}</style>", "\"{{mode}}\" is not allowed in a style sheet"),
    ] {
        assert_eq!(template(source, Escape::Html).unwrap_err(), format!("{problem}; {hint}"), "{source}");
        assert!(template(source, Escape::Plain).is_ok(), "{source}");
    }
    let problem = "the section \"{{#eta}}\" begins and ends in different HTML contexts; put whole elements into it";
    assert_eq!(template("<p {{#eta}}title=\"{{/eta}}\">", Escape::Html).unwrap_err(), problem);
    assert!(template("<p{{#eta}} title=\"a\"{{/eta}}>", Escape::Html).is_err());
    assert!(template("{{#eta}}<p title=\"{{eta}}\">{{/eta}}{{team}}", Escape::Html).is_ok());
}

#[test]
fn tags_of_other_template_languages_are_refused() {
    for (source, tag) in
        [("{% if reason %}{{reason}}{% endif %}", "{% if reason %}"), ("<p>\n  %} {%- block a -%}", "{%- block a -%}")]
    {
        let expected = format!(
            "\"{tag}\" is a tag of another template language; write {{{{reason}}}} for a value, and \
             {{{{#reason}}}}…{{{{/reason}}}} for text that appears only if there is one"
        );
        for escape in [Escape::Plain, Escape::Html] {
            assert_eq!(template(source, escape).err(), Some(expected.clone()), "{source}");
        }
    }
    for source in ["{%", "%}{%", "a { 100%} b", "<style>{%\n%}</style>"] {
        assert!(template(source, Escape::Html).is_ok(), "{source}");
    }
}

#[test]
fn parts_of_the_built_in_page_are_allowed_in_element_text_only() {
    for name in ["since_local", "until_local", "eta_local", "maintenance_countdown", "contact_link"] {
        let page = |before: &str, after: &str| {
            template(Box::leak(format!("{before}{{{{{name}}}}}{after}").into()), Escape::Html)
        };
        assert!(page("<p>", "</p>").is_ok(), "{name}");
        for (before, after) in
            [("<p title=\"", "\">"), ("<title>", "</title>"), ("<script>", "</script>"), ("<a href=\"", "\">")]
        {
            let expected = format!("\"{{{{{name}}}}}\" contains elements; put it into element text");
            assert_eq!(page(before, after).err(), Some(expected), "{before}");
        }
    }
}

#[test]
fn local_times_of_plain_text_are_in_utc_and_sections_surround_parts() {
    for (source, expected) in [
        ("{{since_local}}", "<SinceUtc>"),
        ("{{#eta}}{{until_local}}{{/eta}}{{#reason}}a {{maintenance_countdown}}{{/reason}}b", "a <BackUtc>b"),
    ] {
        assert_eq!(rendered(source).as_deref(), Ok(expected), "{source}");
    }
}

#[test]
fn a_text_of_the_context_precedes_a_part_of_its_name() {
    let context = [("eta_local".to_owned(), "soon".to_owned())];
    let names = Names { context: Some(&context), built_in: false };
    let source = Rc::new(Cow::Borrowed("<p title=\"{{eta_local}}\">"));
    assert!(Template::compile(source, Escape::Html, names).is_ok());
}
