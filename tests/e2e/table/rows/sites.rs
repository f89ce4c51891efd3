//! Sites by host and by path.

use super::{BehaviourRow, NO_VERDICT, OFFLINE, Passes, Refused};

/// Sites by host and by path prefix.
pub const SITES: &[BehaviourRow] = &[
    BehaviourRow {
        behaviour: "an offline site does not close sites of other hosts",
        state: OFFLINE,
        requests: &[
            ("shop.example.com GET /", Refused("offline")),
            ("SHOP.example.com.:8443 GET /", Refused("offline")),
            ("blog.example.com GET /", Passes(NO_VERDICT)),
            ("unknown.example.com GET /", Passes("no-site")),
        ],
    },
    BehaviourRow {
        behaviour: "a site with a wildcard host closes every host that matches it",
        state: r#"{ "blog": { "mode": "offline" } }"#,
        requests: &[
            ("a.b.blog.example.com GET /", Refused("offline")),
            ("blog.example.com GET /", Refused("offline")),
            ("xblog.example.com GET /", Passes("no-site")),
            ("shop.example.com GET /", Passes(NO_VERDICT)),
        ],
    },
    BehaviourRow {
        behaviour: "a site with a path prefix closes that prefix only",
        state: r#"{ "checkout": { "mode": "offline" } }"#,
        requests: &[
            ("api.example.com POST /checkout", Refused("offline")),
            ("api.example.com POST /checkout/pay", Refused("offline")),
            ("api.example.com POST /checkouts", Passes(NO_VERDICT)),
            ("api.example.com GET /", Passes(NO_VERDICT)),
        ],
    },
    BehaviourRow {
        behaviour: "a site for the whole host does not close a path that belongs to another site",
        state: r#"{ "api": { "mode": "offline" } }"#,
        requests: &[
            ("api.example.com GET /", Refused("offline")),
            ("api.example.com GET /checkouts", Refused("offline")),
            ("api.example.com POST /checkout/pay", Passes(NO_VERDICT)),
        ],
    },
];
