//! Wrong sites, windows and rules.

use super::Mistake;

pub const ROWS: &[Mistake] = &[
    ("close", 2, &["no site given (sites: api, shop); nothing changed"]),
    ("close shopp", 1, &["unknown site \"shopp\"; did you mean \"shop\"? (sites: api, shop); nothing changed"]),
    ("close Shop", 1, &["unknown site \"Shop\"; did you mean \"shop\"?"]),
    ("close shop nosuch", 1, &["unknown site \"nosuch\" (sites: api, shop); nothing changed"]),
    ("close shop.example.com", 1, &["unknown site \"shop.example.com\"", "(sites: api, shop)"]),
    ("close shop --reason Database upgrade", 1, &["unknown site \"upgrade\" (sites: api, shop); nothing changed"]),
    ("close --site shop", 2, &["unexpected argument '--site'", "sites have no flag: maintctl close SITE"]),
    (
        "close --all",
        2,
        &["--all asks for confirmation, but stdin is not a terminal; add --yes to confirm; nothing changed"],
    ),
    ("close --all shop", 2, &["'--all' cannot be used with '[SITE]...'"]),
    ("open nosuch", 1, &["unknown site \"nosuch\" (sites: api, shop); nothing changed"]),
    ("status shopp", 1, &["unknown site \"shopp\"; did you mean \"shop\"?"]),
    ("history shopp", 1, &["unknown site \"shopp\"; did you mean \"shop\"?"]),
    ("cancel shop", 2, &["no window given", "`maintctl status` lists the windows"]),
    ("cancel shop w1", 1, &["shop: unknown window \"w1\" (there are none); nothing changed"]),
    ("cancel w1 --all", 1, &["unknown site \"w1\" (sites: api, shop)"]),
    ("schedule shop api --from 02:00 --for 1h", 2, &["unexpected argument 'api'"]),
    ("schedule --from 2099-01-01T02:00:00Z --for 1h", 2, &["no site given (sites: api, shop); nothing changed"]),
    (
        "close shop --suspend stafff",
        1,
        &[
            "--suspend \"stafff\": unknown exempt rule; did you mean \"staff\"? (rules: acme-challenge, staff); nothing changed",
        ],
    ),
    (
        "close api --suspend staff",
        1,
        &["--suspend \"staff\": unknown exempt rule", "(rules: acme-challenge); nothing changed"],
    ),
    ("preview --policy policy.yaml shopp", 1, &["unknown site \"shopp\"; did you mean \"shop\"?"]),
    ("preview --policy policy.yaml", 2, &["no site given (sites: shop, api)"]),
];
