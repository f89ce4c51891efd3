use proptest::prelude::*;

use super::*;

#[test]
fn every_encoding_of_a_character_is_decoded() {
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
        assert_eq!(decode_fully(path, false), plain, "{path:?}");
        assert_eq!(decode_fully(path, true), compact, "{path:?}");
    }
}

proptest! {
    #[test]
    fn full_decoding_equals_repeated_decoding(path in "[%2-5EeFf/.]{0,30}") {
        let mut expected = path.into_bytes();
        let decoded = decode_fully(&expected, false);
        while decode(&expected) != expected {
            expected = decode(&expected);
        }
        prop_assert_eq!(decoded, expected);
    }
}
