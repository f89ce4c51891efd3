use proptest::prelude::*;

use super::*;

#[test]
fn settling_takes_every_spelling_of_a_character() {
    for (path, plain, compact) in [
        (&b"/a%2eb"[..], &b"/a.b"[..], &b"/a.b"[..]),
        (b"/%252e", b"/.", b"/."),
        (b"/%25252e%2525", b"/.%", b"/.%"),
        (b"/%2%35e", b"/%e", b"/%e"),
        (b"/%c0%ae%C1%9C", b"/.\\", b"/.\\"),
        (b"/%e0%80%af", b"//", b"//"),
        (b"/%u002E%u00e9", b"/.%u00e9", b"/.%u00e9"),
        (b"/.%09.%0d%0A", b"/.\t.\r\n", b"/.."),
        (b"/%%092e", b"/%\t2e", b"/."),
        (b"/%zz%4", b"/%zz%4", b"/%zz%4"),
        (b"/\xc3\xa9", b"/\xc3\xa9", b"/\xc3\xa9"),
    ] {
        assert_eq!(settle(path, false), plain, "{path:?}");
        assert_eq!(settle(path, true), compact, "{path:?}");
    }
}

proptest! {
    #[test]
    fn settling_is_decoding_until_nothing_changes(path in "[%2-5EeFf/.]{0,30}") {
        let mut expected = path.into_bytes();
        let settled = settle(&expected, false);
        while decode(&expected) != expected {
            expected = decode(&expected);
        }
        prop_assert_eq!(settled, expected);
    }
}
