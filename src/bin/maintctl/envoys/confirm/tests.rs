use super::*;

#[test]
fn the_number_of_connections_is_limited_for_all_envoys_together() {
    for (envoys, expected) in [(0, 1), (1, 16), (25, 16), (50, 8), (200, 2), (400, 1), (5000, 1)] {
        assert_eq!(connections(envoys), expected, "{envoys}");
    }
}
