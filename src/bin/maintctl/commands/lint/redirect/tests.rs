//! What is said of the target of a redirect.

use crate::commands::lint::finding::Level;
use crate::commands::lint::tests::{finds, levels};

const REFUSED: &str = "but only the exact `hosts` of a site open the target of its redirect, so browsers are sent to a \
                       refusal; add the host to `hosts`, or name a URL on a host of no site";

/// A policy whose site `shop` has these members and this redirect.
fn shop(members: &str, redirect: &str) -> String {
    format!("sites: [{{ name: shop, {members}, reply: {{ redirect: \"{redirect}\" }} }}]")
}

#[test]
fn the_target_on_an_exact_host_of_the_site_is_open() {
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
        let line = format!("f: sites[0].reply.redirect: GET and HEAD of {opened} pass while shop is closed");
        finds(&text, &[&line]);
        assert_eq!(levels(&text), [Level::Note], "{text}");
    }
}

#[test]
fn a_target_inside_of_the_site_on_another_host_is_a_refusal() {
    for (members, redirect, lies) in [
        ("hosts: [\"*\"]", "/sorry", "*/sorry lies"),
        ("hosts: [\"*.x\"]", "/sorry", "*.x/sorry lies"),
        ("hosts: [\"*.x\", \"*.y\"]", "/sorry", "*.x/sorry and *.y/sorry lies"),
        ("hosts: [\"*.x\"]", "https://a.x/sorry", "https://a.x/sorry lies"),
        ("hosts: [\"*.x\"], paths: [/a]", "/a", "*.x/a lies"),
    ] {
        let text = shop(members, redirect);
        finds(&text, &[&format!("f: sites[0].reply.redirect: {lies} in shop, {REFUSED}")]);
        assert_eq!(levels(&text), [Level::Warning], "{text}");
    }
    let both = shop("hosts: [shop.x, \"*.shop.x\"]", "/sorry");
    finds(
        &both,
        &[
            "f: sites[0].reply.redirect: GET and HEAD of shop.x/sorry pass while shop is closed",
            &format!("f: sites[0].reply.redirect: *.shop.x/sorry lies in shop, {REFUSED}"),
        ],
    );
    assert_eq!(levels(&both), [Level::Note, Level::Warning]);
}

#[test]
fn a_host_that_only_a_site_for_every_host_matches_may_be_served_elsewhere() {
    let text = shop("hosts: [\"*\"]", "https://status.x/sorry");
    finds(
        &text,
        &[
            "f: sites[0].reply.redirect: if these Envoys serve https://status.x/sorry, browsers are sent to a refusal, as shop has \
             every host; its host in `hosts` would open it",
        ],
    );
    assert_eq!(levels(&text), [Level::Note]);
}

#[test]
fn a_target_that_needs_no_exemption_opens_nothing() {
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
fn a_redirect_for_every_site_is_told_for_each_whose_target_is_its_own() {
    let text = "reply: { redirect: \"https://a.x/sorry\" }\nsites:\n- { name: a, hosts: [a.x] }\n- { name: b, hosts: [b.x] }\n\
                - { name: c, hosts: [c.x], reply: { redirect: /here } }";
    finds(
        text,
        &[
            "f: reply.redirect: GET and HEAD of https://a.x/sorry pass while a is closed",
            "f: sites[2].reply.redirect: GET and HEAD of c.x/here pass while c is closed",
        ],
    );
}
