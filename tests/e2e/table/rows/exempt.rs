//! Exempt rules.

use super::{BehaviourRow, OFFLINE, Passes, Refused};

/// Exempt rules of each kind.
pub const EXEMPT: &[BehaviourRow] = &[
    BehaviourRow {
        behaviour: "offline: exempt IPv4 and IPv6 addresses and ranges pass",
        state: OFFLINE,
        requests: &[
            ("shop.example.com GET /\nx-forwarded-for: 203.0.113.7", Passes("exempt:office")),
            ("shop.example.com GET /\nx-forwarded-for: 203.0.113.8", Refused("offline")),
            ("shop.example.com GET /\nx-forwarded-for: ::ffff:203.0.113.7", Passes("exempt:office")),
            ("shop.example.com GET /\nx-forwarded-for: 198.51.100.255", Passes("exempt:office-range")),
            ("shop.example.com GET /\nx-forwarded-for: 198.51.101.0", Refused("offline")),
            ("shop.example.com GET /\nx-forwarded-for: 2001:db8:1:ffff::9", Passes("exempt:office-six")),
            ("shop.example.com GET /\nx-forwarded-for: 2001:db8:2::9", Refused("offline")),
            // The proxy in front appends the address that it saw to the client's own list.
            ("shop.example.com GET /\nx-forwarded-for: 203.0.113.7, 192.0.2.1", Refused("offline")),
            ("shop.example.com GET /", Refused("offline")),
        ],
    },
    BehaviourRow {
        behaviour: "offline: header rules match `host` and pseudo-headers",
        state: OFFLINE,
        requests: &[
            ("shop.example.com:8443 GET /", Passes("exempt:host")),
            ("shop.example.com:8444 GET /?a", Passes("exempt:pseudo")),
            ("shop.example.com:8444 POST /?a", Refused("offline")),
            ("shop.example.com:8445 GET /?a", Refused("offline")),
        ],
    },
    BehaviourRow {
        behaviour: "offline: a header with the exempt value passes; another value or no header does not",
        state: OFFLINE,
        requests: &[
            ("shop.example.com GET /\nx-staff: yes", Passes("exempt:staff")),
            ("shop.example.com POST /\nX-Staff: yes", Passes("exempt:staff")),
            ("shop.example.com GET /\nx-staff: no", Refused("offline")),
            ("shop.example.com GET /\nx-staff: YES", Refused("offline")),
            ("shop.example.com GET /\nx-staff:", Refused("offline")),
            ("shop.example.com GET /", Refused("offline")),
        ],
    },
    BehaviourRow {
        behaviour: "offline: a suspended rule does not exempt; other rules still do",
        state: r#"{ "shop": { "mode": "offline", "suspend": ["staff"] } }"#,
        requests: &[
            ("shop.example.com GET /\nx-staff: yes", Refused("offline")),
            ("shop.example.com GET /\nx-superuser: yes", Passes("exempt:superuser")),
            ("shop.example.com GET /\nx-staff: yes\nx-superuser: yes", Passes("exempt:superuser")),
        ],
    },
    BehaviourRow {
        behaviour: "offline: an exact path does not match its children",
        state: OFFLINE,
        requests: &[
            ("shop.example.com GET /ignored-page/", Passes("exempt:ignored")),
            ("shop.example.com GET /ignored-page/?a=b", Passes("exempt:ignored")),
            ("shop.example.com GET /ignored-page/child", Refused("offline")),
            ("shop.example.com GET /ignored-page", Refused("offline")),
        ],
    },
    BehaviourRow {
        behaviour: "offline: a path prefix does not match a sibling",
        state: OFFLINE,
        requests: &[
            ("shop.example.com GET /admin/login/", Passes("exempt:admin")),
            ("shop.example.com GET /administrator", Refused("offline")),
            ("shop.example.com GET /admin/../cart", Refused("offline")),
        ],
    },
    BehaviourRow {
        behaviour: "offline: a query parameter with the exempt value passes",
        state: OFFLINE,
        requests: &[
            ("shop.example.com GET /?api_key=good", Passes("exempt:api-key")),
            ("shop.example.com GET /?a=b&api_key=good", Passes("exempt:api-key")),
            ("shop.example.com GET /?api_key=bad", Refused("offline")),
            ("shop.example.com GET /?xapi_key=good", Refused("offline")),
        ],
    },
    BehaviourRow {
        behaviour: "offline: a cookie with the exempt value passes",
        state: OFFLINE,
        requests: &[
            ("shop.example.com GET /\ncookie: a=b; sessionid=s3cret", Passes("exempt:session")),
            ("shop.example.com GET /\ncookie: sessionid=other", Refused("offline")),
        ],
    },
    BehaviourRow {
        behaviour: "offline: ACME challenges pass",
        state: OFFLINE,
        requests: &[("shop.example.com GET /.well-known/acme-challenge/token", Passes("exempt:acme-challenge"))],
    },
    BehaviourRow {
        behaviour: "offline: a rule with `modes: [read_only]` does not apply",
        state: OFFLINE,
        requests: &[("shop.example.com POST /reports", Refused("offline"))],
    },
];
