use super::*;
use serde_json::json;

#[test]
fn a_parent_may_live_for_the_time_that_it_is_given_and_a_little_more() {
    let info = |epoch: u64, up: &str| {
        json!({ "uptime_current_epoch": up,
                "command_line_options": { "restart_epoch": epoch, "parent_shutdown_time": "900s" } })
    };
    for (info, expected) in [
        (info(0, "1s"), Some(Parent::None)),
        (info(1, "0s"), Some(Parent::Until(905.0))),
        (info(3, "900s"), Some(Parent::Until(5.0))),
        (info(1, "905s"), Some(Parent::Over)),
        (info(1, "soon"), None),
        (info(1, "NaNs"), None),
        (json!({}), None),
        (json!([]), None),
    ] {
        assert_eq!(Parent::read(&info).ok(), expected, "{info}");
    }
}

#[test]
fn the_connections_of_the_parent_are_counted() {
    let gauge = json!({ "stats": [{ "name": "server.parent_connections", "value": 8 }] });
    for (stats, expected) in [(gauge, 8), (json!({ "stats": [] }), 0), (json!(null), 0)] {
        assert_eq!(connections(&stats), expected, "{stats}");
    }
}
