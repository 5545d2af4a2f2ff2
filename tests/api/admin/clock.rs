//! `rememberd admin clock`.

use super::{admin, admin_json, assert_exit_code, served};

#[test]
fn the_clock_is_shown_and_accepted() {
    let (home, serving) = served();
    let home = home.path();
    let shown = admin_json(home, &["clock", "show"]);
    assert_eq!(shown["agrees"], true);
    assert!(shown["believedTime"].as_i64().expect("a time") > 1_700_000_000_000);
    let text = admin(home, &["clock", "show"]);
    assert!(text.starts_with("believed time"), "{text}");
    let refused = assert_exit_code(home, &["clock", "accept"], 2);
    let expected = "rememberd: it takes a confirmation to believe the host's clock, which can make logins expire; --yes \
                    gives it\n";
    assert_eq!(refused, expected);
    let accepted = admin_json(home, &["clock", "accept", "--yes"]);
    assert_eq!(accepted["agrees"], true);
    let log = serving.stop().stderr;
    assert!(log.contains("route=\"admin/clock/accept\""), "{log}");
}
