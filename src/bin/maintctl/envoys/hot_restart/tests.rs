use super::*;
use serde_json::json;

#[test]
fn a_parent_lives_for_its_shutdown_time_and_a_reserve() {
    let info = |epoch: u64, up: &str| {
        json!({ "uptime_current_epoch": up,
                "command_line_options": { "restart_epoch": epoch, "parent_shutdown_time": "900s" } })
    };
    for (info, expected) in [
        (info(0, "1s"), Some(ParentProcess::None)),
        (info(1, "0s"), Some(ParentProcess::AliveFor(905.0))),
        (info(3, "900s"), Some(ParentProcess::AliveFor(5.0))),
        (info(1, "905s"), Some(ParentProcess::Ended)),
        (info(1, "soon"), None),
        (info(1, "NaNs"), None),
        (json!({}), None),
        (json!([]), None),
    ] {
        assert_eq!(ParentProcess::read(&info).ok(), expected, "{info}");
    }
}

#[test]
fn connections_of_the_parent_are_counted() {
    let gauge = json!({ "stats": [{ "name": "server.parent_connections", "value": 8 }] });
    for (stats, expected) in [(gauge, 8), (json!({ "stats": [] }), 0), (json!(null), 0)] {
        assert_eq!(connections(&stats), expected, "{stats}");
    }
}
