use super::*;

fn plain(text: &str) -> TextConfig {
    TextConfig::Plain(text.to_owned())
}

fn compile(texts: &[TextConfig]) -> Result<TextMatcher, PathError> {
    TextMatcher::compile(texts, &KeyPath::Root.key("value"), as_written)
}

#[test]
fn each_form_matches_its_values() {
    let digest = crate::state::Digest::of(b"secret").to_string();
    for (text, matching, other) in [
        (plain("exact"), &["exact"][..], &["exactly", "Exact", ""][..]),
        (plain("pre*"), &["pre", "prefix"], &["Pre", "xpre", ""]),
        (plain("*fix"), &["fix", "suffix"], &["fixed", ""]),
        (plain("*"), &["", "anything"], &[]),
        (plain(""), &[""], &["a"]),
        (TextConfig::Regex("a|b+".to_owned()), &["a", "bb"], &["ab", "xa", "a\n", ""]),
        (TextConfig::Sha256(digest.clone()), &["secret"], &["Secret", "", &digest]),
        (TextConfig::Absent, &[], &["", "a"]),
    ] {
        let matcher = compile(std::slice::from_ref(&text)).unwrap();
        for value in matching {
            assert!(
                matcher.is_match(value.as_bytes(), Unexamined::Differs, &WorkBudget::of_request()),
                "{text:?} {value:?}"
            );
        }
        for value in other {
            assert!(
                !matcher.is_match(value.as_bytes(), Unexamined::Matches, &WorkBudget::of_request()),
                "{text:?} {value:?}"
            );
        }
    }
}

#[test]
fn a_list_matches_if_one_of_its_texts_matches() {
    let matcher = compile(&[plain("a"), plain("b*"), TextConfig::Absent]).unwrap();
    assert!(matcher.is_match_any(["x", "b1"], Unexamined::Differs, &WorkBudget::of_request()));
    assert!(matcher.is_match_any([""; 0], Unexamined::Differs, &WorkBudget::of_request()));
    assert!(!matcher.is_match_any(["x", ""], Unexamined::Differs, &WorkBudget::of_request()));
}

#[test]
fn a_regex_treats_values_that_are_not_utf8_as_unexamined() {
    let matcher = compile(&[TextConfig::Regex("a.?".to_owned())]).unwrap();
    assert!(!matcher.is_match(b"a\xff", Unexamined::Differs, &WorkBudget::of_request()));
    assert!(matcher.is_match(b"a\xff", Unexamined::Matches, &WorkBudget::of_request()));
}

#[test]
fn values_beyond_the_budget_count_as_unexamined() {
    let digest = crate::state::Digest::of(b"secret").to_string();
    let (sha, regex) = (TextConfig::Sha256(digest), TextConfig::Regex("[a-s]+et".to_owned()));
    for text in [sha, regex, plain("secret"), plain("sec*"), plain("*cret")] {
        let matcher = compile(std::slice::from_ref(&text)).unwrap();
        for (units, opens, closes) in [(crate::request::UNITS, true, true), (10, false, true)] {
            for (unexamined, expected) in [(Unexamined::Differs, opens), (Unexamined::Matches, closes)] {
                let budget = WorkBudget::of_request();
                assert!(budget.pay(crate::request::UNITS - units));
                assert_eq!(
                    matcher.is_match(b"secret", unexamined, &budget),
                    expected,
                    "{text:?} {units} {unexamined:?}"
                );
            }
        }
        // Many values exhaust the budget.
        let budget = WorkBudget::of_request();
        let many = std::iter::repeat_n([b'k'; 4096], 100);
        assert!(matcher.is_match_any(many, Unexamined::Matches, &budget), "{text:?}");
    }
    // Presence costs nothing.
    let spent = WorkBudget::of_request();
    assert!(!spent.pay(usize::MAX));
    assert!(TextMatcher::present().is_match(b"a", Unexamined::Differs, &spent));
}

#[test]
fn malformed_texts_are_refused() {
    let regex = |text: &str| TextConfig::Regex(text.to_owned());
    for (texts, message) in [
        (vec![], "value: an empty list matches nothing"),
        (vec![plain("a*b")], "value[0]: \"a*b\" may have one '*', first or last; write it as { regex: … }"),
        (vec![plain("a"), plain("*a*")], "value[1]: \"*a*\" may have one '*', first or last; write it as { regex: … }"),
        (vec![regex("(")], "value[0].regex: \"(\" is not a regex: found open group without closing ')'"),
        (vec![regex("a)(b")], "value[0].regex: \"a)(b\" is not a regex: found closing ')' without matching '('"),
        (vec![TextConfig::Sha256("abc".to_owned())], "value[0].sha256: not a SHA-256 digest of 64 hexadecimal digits"),
    ] {
        assert_eq!(compile(&texts).unwrap_err().to_string(), message);
    }
}
