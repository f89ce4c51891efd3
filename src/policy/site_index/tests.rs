use super::*;
use crate::request::{HeaderMap, UnknownPeer};

const SITES: [(&str, &str); 8] = [
    ("shop.example.com", ""),
    ("api.example.com", "/checkout"),
    ("api.example.com", "/checkout/v2"),
    ("*.example.com", ""),
    ("*.eu.example.com", ""),
    ("*", "/everywhere"),
    ("[::1]", ""),
    ("*", ""),
];

fn index(sites: &[(&str, &str)]) -> SiteIndex {
    let mut index = SiteIndex::default();
    for (site, (host, prefix)) in sites.iter().enumerate() {
        index.insert(&HostPattern::parse(host).unwrap(), prefix, site).unwrap();
    }
    index
}

#[test]
fn the_most_specific_host_wins_and_then_the_longest_prefix() {
    let index = index(&SITES);
    for (host, path, site) in [
        ("shop.example.com", "/", 0),
        ("shop.example.com", "/everywhere", 0),
        ("api.example.com", "/checkout", 1),
        ("api.example.com", "/checkout/", 1),
        ("api.example.com", "/checkout/v1", 1),
        ("api.example.com", "/checkout/v2", 2),
        ("api.example.com", "/checkout/v2/x", 2),
        ("api.example.com", "/checkout/v22", 1),
        ("api.example.com", "/checkouts", 3),
        ("a.eu.example.com", "/", 4),
        ("a.b.eu.example.com", "/", 4),
        ("eu.example.com", "/", 3),
        ("example.com", "/", 7),
        ("example.com", "/everywhere/x", 5),
        ("[::1]", "/", 6),
        ("other", "/", 7),
    ] {
        assert_eq!(index.site(host, path), Some(site), "{host}{path}");
    }
    assert_eq!(super::tests::index(&SITES[..3]).site("api.example.com", "/other"), None);
}

#[test]
fn an_ambiguous_path_belongs_to_the_sites_of_all_interpretations() {
    let index = index(&SITES[..3]);
    for (authority, path, found) in [
        ("api.example.com", "/other", SiteMatch::One(None, "/other")),
        ("api.example.com", "//other", SiteMatch::Several(vec![])),
        ("api.example.com", "//checkout", SiteMatch::Several(vec![(1, vec!["/checkout"])])),
        ("api.example.com", "/checkout%2Fv2", SiteMatch::Several(vec![(2, vec!["/checkout/v2"])])),
        (
            "api.example.com",
            "/checkout/v2%3bx",
            SiteMatch::Several(vec![(1, vec!["/checkout/v2%3Bx"]), (2, vec!["/checkout/v2"])]),
        ),
        ("api.example.com", "//shop.example.com/a", SiteMatch::Several(vec![(0, vec!["/a"])])),
        ("api.example.com", "/other/../other", SiteMatch::AnyPath(vec![1, 2])),
        ("api.example.com, a", "/", SiteMatch::AnySite),
        ("", "/", SiteMatch::AnySite),
    ] {
        let headers = HeaderMap::new(vec![
            (b":authority".to_vec(), authority.as_bytes().to_vec()),
            (b":path".to_vec(), path.as_bytes().to_vec()),
        ]);
        assert_eq!(index.find(&Request::new(&headers, &UnknownPeer)), found, "{authority}{path}");
    }
}

#[test]
fn a_host_and_prefix_belong_to_one_site() {
    let mut index = index(&SITES);
    assert_eq!(index.insert(&HostPattern::Any, "/everywhere", 9), Err(5));
}
