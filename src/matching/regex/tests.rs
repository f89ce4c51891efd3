use proptest::prelude::*;

use super::*;

fn compile(regex: &str) -> WholeRegex {
    WholeRegex::compile(regex, &KeyPath::Root).unwrap()
}

#[test]
fn common_regexes_become_automata() {
    for (regex, is_automaton) in [
        ("staff", true),
        ("^/api/.*$", true),
        (".*\\.css", true),
        ("yes|no|^maybe$", true),
        (".*(?:bot|crawler|spider|slurp|Googlebot|bingbot|DuckDuckBot|YandexBot|facebookexternalhit).*", true),
        ("[a-z]+-[0-9]{1,3}", true),
        ("(?i)mozilla/[4-9]\\..*", true),
        ("[\\w.-]+@[^@\\s]+", true),
        ("", true),
        ("\\bbot\\b", false),
        ("[[:alpha:]]", false),
        ("a(?i)b", false),
        ("^*", false),
    ] {
        assert_eq!(matches!(compile(regex), WholeRegex::Automaton(_)), is_automaton, "{regex}");
    }
}

#[test]
fn a_regex_matches_the_whole_value() {
    for (regex, matching, other) in [
        ("a|b+", &["a", "bb"][..], &["ab", "xa", "a\n", ""][..]),
        ("^/api/.*$", &["/api/", "/api/x"], &["/api", "x/api/", "/api/\n"]),
        (".*(bot|spider).*", &["bot", "a bot b", "é spider"], &["bo", "spide r"]),
        ("(?i)k[a-c]Z", &["KBz", "kaz"], &["\u{212a}az", "kdz"]),
        ("[^a]", &["b", "é"], &["a", "", "bb"]),
        ("x{2,3}y?", &["xx", "xxxy"], &["x", "xxxx", "xy"]),
        ("[]-]+[a-]", &["]-a", "--"], &["]", "a"]),
        ("\\d\\D\\w\\W\\s\\S", &["1a_- é"], &["11_- é", "1a__ é"]),
        ("\\ba.", &["ab"], &["b"]),
    ] {
        let regex = (regex, compile(regex));
        for (texts, expected) in [(matching, true), (other, false)] {
            for text in texts {
                assert_eq!(
                    regex.1.is_match(text, text.is_ascii(), &WorkBudget::of_request()),
                    Some(expected),
                    "{} {text:?}",
                    regex.0
                );
            }
        }
    }
}

#[test]
fn a_regex_stops_when_the_budget_is_exhausted() {
    let long = "a".repeat(100_000);
    for regex in ["(a|b|c)*x", ".*a.*b", "\\b[a-z ]{1,500}"] {
        let budget = WorkBudget::of_request();
        assert_eq!(compile(regex).is_match(&long, true, &budget), None, "{regex}");
        assert_eq!(budget.left(), 0, "{regex}");
    }
    let budget = WorkBudget::of_request();
    assert_eq!(compile("b.*").is_match(&long, true, &budget), Some(false));
    assert!(budget.left() > crate::request::UNITS - 100, "a match that has failed costs nothing further");
}

#[test]
fn the_cost_of_the_engine_depends_on_the_size_of_its_program() {
    for (regex, least) in [
        ("\\bbot\\b", 4),
        ("[^^]\\B(.{0,50}){5}Q", 250),
        ("(?x)# [\n.(.{0,50}){5}Q", 250),
        ("[[:alpha:]]{100}", 100),
        ("a(?i)b{100}", 100),
    ] {
        let WholeRegex::Engine { states, .. } = compile(regex) else { panic!("{regex} is an automaton") };
        assert!(states >= least, "{regex}: {states}");
    }
    let WholeRegex::Engine { states, .. } = compile("\\bbot\\b") else { panic!("an engine") };
    assert!(states < 100, "{states}");
}

#[test]
fn regexes_beyond_any_budget_are_refused() {
    for regex in ["[^^]\\B(.{0,500}){20}Q", "(?x)# [\n.(.{0,500}){20}Q", "\\b(a{1,100}){1,100}"] {
        let problem = WholeRegex::compile(regex, &KeyPath::Root).unwrap_err().problem;
        assert_eq!(problem, format!("\"{regex}\" is too large: no request has the budget to match it"));
    }
}

fn regexes() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "a", "b", "é", ".", "[ab]", "[^a]", "[a-cé]", "\\.", "\\w", "\\s", "\\D", "[^\\d]", "[]b]", "[a-]", "\\n", "-",
    ]);
    let leaf = leaf.prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let repeat = prop::sample::select(vec!["", "*", "+", "?", "{2}", "{0,2}", "{1,}", "*?", "+?"]);
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("{one}{other}")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("{one}|{other}")),
            (inner.clone(), repeat.clone()).prop_map(|(one, repeat)| format!("({one}){repeat}")),
            (inner.clone(), repeat).prop_map(|(one, repeat)| format!("(?:{one}){repeat}")),
            inner.clone().prop_map(|one| format!("^{one}$")),
            inner.prop_map(|one| format!("(?i){one}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn automata_agree_with_the_engine(
        regex in regexes(),
        texts in prop::collection::vec("[abABcéÉ .\n1\\-\\]]{0,8}", 1..20),
    ) {
        let Ok(engine) = Regex::new(&format!(r"\A(?:{regex})\z")) else { return Ok(()) };
        let compiled = WholeRegex::compile(&regex, &KeyPath::Root).unwrap();
        for text in texts {
            let found = compiled.is_match(&text, text.is_ascii(), &WorkBudget::unlimited());
            prop_assert_eq!(found, Some(engine.is_match(&text)), "{:?} {:?}", regex, text);
        }
    }
}
