//! Windows and the other times of a document.

use super::{BehaviourRow, NO_VERDICT, Passes, Refused};

/// Windows, `until` and `eta`.
pub const TIMES: &[BehaviourRow] = &[
    BehaviourRow {
        behaviour: "a window in the future does not close the site",
        state: r#"{ "shop": { "mode": "online", "windows": [
            { "id": "w1", "mode": "offline", "from": "2099-01-01T00:00:00Z", "until": "2099-01-02T00:00:00Z" } ] } }"#,
        requests: &[("shop.example.com GET /", Passes(NO_VERDICT))],
    },
    BehaviourRow {
        behaviour: "an open window closes the site",
        state: r#"{ "shop": { "mode": "online", "windows": [
            { "id": "w1", "mode": "offline", "from": "2020-01-01T00:00:00Z", "until": "2099-01-02T00:00:00Z" } ] } }"#,
        requests: &[
            ("shop.example.com GET /", Refused("offline")),
            ("shop.example.com GET /\nx-staff: yes", Passes("exempt:staff")),
        ],
    },
    BehaviourRow {
        behaviour: "a window without an end stays open",
        state: r#"{ "shop": { "mode": "online", "windows": [
            { "id": "w1", "mode": "read_only", "from": "2020-01-01T00:00:00Z" } ] } }"#,
        requests: &[("shop.example.com GET /", Passes("read_only")), ("shop.example.com POST /", Refused("read_only"))],
    },
    BehaviourRow {
        behaviour: "a window in the past does not close the site",
        state: r#"{ "shop": { "mode": "online", "windows": [
            { "id": "w1", "mode": "offline", "from": "2020-01-01T00:00:00Z", "until": "2020-01-02T00:00:00Z" } ] } }"#,
        requests: &[("shop.example.com GET /", Passes(NO_VERDICT))],
    },
    BehaviourRow {
        behaviour: "the strictest of several active modes decides, and their `suspend` lists add up",
        state: r#"{ "shop": { "mode": "read_only", "suspend": ["superuser"], "windows": [
            { "id": "w1", "mode": "offline", "from": "2020-01-01T00:00:00Z", "suspend": ["staff"] } ] } }"#,
        requests: &[
            ("shop.example.com GET /", Refused("offline")),
            ("shop.example.com GET /\nx-staff: yes", Refused("offline")),
            ("shop.example.com GET /\nx-superuser: yes", Refused("offline")),
            ("shop.example.com GET /admin/", Passes("exempt:admin")),
        ],
    },
    BehaviourRow {
        behaviour: "a site whose `until` is in the past is open",
        state: r#"{ "shop": { "mode": "offline", "until": "2020-01-01T00:00:00Z" } }"#,
        requests: &[("shop.example.com GET /", Passes(NO_VERDICT))],
    },
    BehaviourRow {
        behaviour: "an `eta` in the past does not open the site",
        state: r#"{ "shop": { "mode": "offline", "eta": "2020-01-01T00:00:00Z" } }"#,
        requests: &[("shop.example.com GET /", Refused("offline"))],
    },
];
