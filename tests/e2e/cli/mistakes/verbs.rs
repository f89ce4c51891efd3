//! Wrong verbs.

use super::Mistake;

pub const ROWS: &[Mistake] = &[
    ("", 2, &["Usage: maintctl", "Examples:"]),
    ("opne shop", 2, &["unrecognized subcommand 'opne'", "did you mean: maintctl open"]),
    ("closed shop", 2, &["unrecognized subcommand 'closed'", "did you mean: maintctl close"]),
    ("online shop", 2, &["did you mean: maintctl open"]),
    ("down shop", 2, &["did you mean: maintctl close"]),
    ("of shop", 2, &["to close a site: maintctl close SITE; to open it: maintctl open SITE"]),
    ("start shop", 2, &["to close a site: maintctl close SITE; to open it: maintctl open SITE"]),
    ("stop shop", 2, &["to close a site: maintctl close SITE; to open it: maintctl open SITE"]),
    ("enable shop", 2, &["to close a site: maintctl close SITE; to open it: maintctl open SITE"]),
    ("maintenance on", 2, &["to close a site: maintctl close SITE; to open it: maintctl open SITE"]),
    ("stauts", 2, &["did you mean: maintctl status"]),
    ("ls", 2, &["did you mean: maintctl status"]),
    ("plan shop", 2, &["did you mean: maintctl schedule"]),
    ("validate policy.yaml", 2, &["did you mean: maintctl lint"]),
    ("xyzzy", 2, &["unrecognized subcommand 'xyzzy'", "try '--help'"]),
    ("offline", 2, &["`offline` needs on or off", "`maintctl close` and `maintctl open`"]),
    ("setmaintenance shop", 2, &["`setmaintenance` needs on or off", "`maintctl close` and `maintctl open`"]),
    (
        "offline on --timeout 900",
        2,
        &["--timeout 900: maintctl does not wait for the sessions of visitors", "omit --timeout"],
    ),
    ("off shop", 0, &["shop: already ONLINE ('off' ends maintenance; to close the site: maintctl close shop)"]),
    ("maintenance_mode off shop", 0, &["already ONLINE", "use this command from now on"]),
    ("setmaintenance on shop nosuch", 1, &["unknown site \"nosuch\" (sites: api, shop); nothing changed"]),
    ("hash secret", 2, &["a secret is not an argument", "`maintctl hash < FILE`", "replace the secret that you typed"]),
    ("completions tcsh", 2, &["invalid value 'tcsh'", "bash"]),
    ("diff", 2, &[""]),
    ("apply", 2, &[""]),
];
