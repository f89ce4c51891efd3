use crate::commands::lint::tests::{finds, levels};
use crate::diagnosis::remark::Severity;

const REFUSED: &str = "would be refused while site \"shop\" is closed, because only exact `hosts` open a redirect target; add the \
                       host to `hosts`, or redirect to a host of no site";

/// A policy whose site `shop` has these members and this redirect.
fn shop(members: &str, redirect: &str) -> String {
    format!("sites: [{{ name: shop, {members}, reply: {{ redirect: \"{redirect}\" }} }}]")
}

#[test]
fn a_target_on_an_exact_host_of_its_site_passes() {
    for (members, redirect, opened) in [
        ("hosts: [shop.x]", "https://shop.x/sorry", "https://shop.x/sorry"),
        ("hosts: [shop.x]", "https://shop.x", "https://shop.x"),
        ("hosts: [shop.x]", "https://shop.x:8443/sorry?a=b#c", "https://shop.x:8443/sorry"),
        ("hosts: [\"*.x\", SHOP.x.]", "https://Shop.x/sorry", "https://Shop.x/sorry"),
        ("hosts: [\"*\", shop.x]", "https://shop.x/sorry", "https://shop.x/sorry"),
        ("hosts: [shop.x, www.x]", "/sorry?a=/b", "shop.x/sorry and www.x/sorry"),
        ("hosts: [shop.x], paths: [/a]", "/a/sorry", "shop.x/a/sorry"),
    ] {
        let text = shop(members, redirect);
        let line = format!(
            "f: sites[0].reply.redirect: GET and HEAD requests for {opened} pass while site \"shop\" is closed"
        );
        finds(&text, &[&line]);
        assert_eq!(levels(&text), [Severity::Note], "{text}");
    }
}

#[test]
fn a_target_on_another_host_of_its_site_is_refused() {
    for (members, redirect, target) in [
        ("hosts: [\"*\"]", "/sorry", "*/sorry"),
        ("hosts: [\"*.x\"]", "/sorry", "*.x/sorry"),
        ("hosts: [\"*.x\", \"*.y\"]", "/sorry", "*.x/sorry and *.y/sorry"),
        ("hosts: [\"*.x\"]", "https://a.x/sorry", "https://a.x/sorry"),
        ("hosts: [\"*.x\"], paths: [/a]", "/a", "*.x/a"),
    ] {
        let text = shop(members, redirect);
        finds(&text, &[&format!("f: sites[0].reply.redirect: {target} {REFUSED}")]);
        assert_eq!(levels(&text), [Severity::Warning], "{text}");
    }
    let both = shop("hosts: [shop.x, \"*.shop.x\"]", "/sorry");
    finds(
        &both,
        &[
            "f: sites[0].reply.redirect: GET and HEAD requests for shop.x/sorry pass while site \"shop\" is closed",
            &format!("f: sites[0].reply.redirect: *.shop.x/sorry {REFUSED}"),
        ],
    );
    assert_eq!(levels(&both), [Severity::Note, Severity::Warning]);
}

#[test]
fn a_target_on_a_host_that_only_a_wildcard_matches_is_a_note() {
    let text = shop("hosts: [\"*\"]", "https://status.x/sorry");
    finds(
        &text,
        &[
            "f: sites[0].reply.redirect: if these Envoys serve https://status.x/sorry, the redirect leads to a refusal, because \
             site \"shop\" matches every host; to open it, add its host to `hosts`",
        ],
    );
    assert_eq!(levels(&text), [Severity::Note]);
}

#[test]
fn a_target_that_passes_or_is_refused_anyway_is_not_reported() {
    for (members, redirect) in [
        ("hosts: [shop.x]", "https://status.y/"),
        ("hosts: [\"*.x\"]", "https://x/"),
        ("hosts: [shop.x], paths: [/a]", "/sorry"),
        ("hosts: [\"*\"], paths: [/a]", "/ab"),
        ("hosts: [\"*\"], exempt: [{ name: e, paths: [/sorry] }]", "/sorry"),
        ("hosts: [shop.x], always_closed: [{ name: a, paths: [/sorry] }]", "/sorry"),
    ] {
        finds(&shop(members, redirect), &[]);
    }
}

#[test]
fn a_policy_wide_redirect_is_reported_for_the_site_that_contains_its_target() {
    let text = "reply: { redirect: \"https://a.x/sorry\" }\nsites:\n- { name: a, hosts: [a.x] }\n- { name: b, hosts: [b.x] }\n\
                - { name: c, hosts: [c.x], reply: { redirect: /here } }";
    finds(
        text,
        &[
            "f: reply.redirect: GET and HEAD requests for https://a.x/sorry pass while site \"a\" is closed",
            "f: sites[2].reply.redirect: GET and HEAD requests for c.x/here pass while site \"c\" is closed",
        ],
    );
}
