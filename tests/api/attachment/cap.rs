//! How many attachments a profile may have.

use crate::attachment::{Form, PNG, get, post_form, upload};
use crate::support::fixture::{ACME_PROFILE, PROFILE};
use crate::support::server::Setup;

#[test]
fn a_profile_has_a_bounded_number_of_attachments() {
    let server = Setup::new().flag("--attachment-count-max=3").start();
    for name in ["a", "b", "c"] {
        upload(&server, &format!("{name}.png"), PNG);
    }
    let more = post_form(&server, PROFILE, &Form::upload("d.png", PNG));
    more.assert_error(400, "OTHER", "A profile can have 3 attachments at most");
    // What is there can be replaced, and other profiles have their own.
    upload(&server, "b.gif", b"GIF89a");
    let other = post_form(&server, ACME_PROFILE, &Form::upload("d.png", PNG));
    assert_eq!(other.status, 200);
    // With a lower limit, what is there stays.
    let server = Setup::new()
        .flag("--attachment-count-max=1")
        .home(server.stop())
        .start();
    let list = get(&server, "attachments").json();
    assert_eq!(list.as_array().map(Vec::len), Some(3));
    upload(&server, "b.png", PNG);
    let more = post_form(&server, PROFILE, &Form::upload("d.png", PNG));
    more.assert_error(400, "OTHER", "A profile can have 1 attachments at most");
}
