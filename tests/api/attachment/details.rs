//! The details of an attachment, and who may see attachments.

use crate::attachment::{PNG, PROFILES, get, png, upload};
use crate::support::fixture::{
    ACME, NO_PROFILE, POWERLESS, PROFILE, PROFILES as PROFILES_ONLY, READERS,
};
use crate::support::server::Server;

#[test]
fn details_are_what_the_upload_returned() {
    let server = Server::start();
    for (size, text) in [
        (1_023, "1,023 B"),
        (1_024, "1 KB"),
        (1_536, "1.5 KB"),
        (1_048_575, "1,024 KB"),
    ] {
        let uploaded = upload(&server, "me.png", &png(size, 3));
        assert_eq!(uploaded["fileSize"], text);
        assert_eq!(uploaded["fileSizeBytes"], size);
        let details = get(&server, "attachment/me/details");
        assert_eq!(details.status, 200);
        assert_eq!(details.json(), uploaded);
    }
}

#[test]
fn attachments_are_shown_to_whoever_may_read_the_profile() {
    let server = Server::start();
    upload(&server, "me.png", PNG);
    let client = server.client();
    for path in [
        "attachment/me",
        "attachment/me/details",
        "attachments",
        "attachments/",
    ] {
        let get = |profile: &str, token: &str| {
            client.send(
                "HEAD",
                &format!("{PROFILES}/{profile}/{path}?accessTokenId={token}"),
                &[],
                None,
            )
        };
        assert_eq!(get(PROFILE, READERS).status, 200, "{path}");
        for (profile, token, status) in [
            (PROFILE, "", 403),
            (PROFILE, "nobody", 403),
            (PROFILE, POWERLESS, 403),
            (PROFILE, PROFILES_ONLY, 403),
            (PROFILE, ACME, 403),
            (NO_PROFILE, POWERLESS, 404),
            ("x", POWERLESS, 404),
        ] {
            assert_eq!(
                get(profile, token).status,
                status,
                "{path} {profile} {token}"
            );
        }
        let read = |profile: &str, token: &str| {
            client.get(&format!(
                "{PROFILES}/{profile}/{path}?accessTokenId={token}"
            ))
        };
        read(NO_PROFILE, POWERLESS).assert_no_such_profile(NO_PROFILE);
        read(PROFILE, POWERLESS).assert_denied("MANAGE_PROFILES", "default");
        read(PROFILE, PROFILES_ONLY).assert_denied("READ_TENANT", "default");
        let missing = "Access token ID param missing from request";
        read(PROFILE, "").assert_error(403, "ACCESS_DENIED", missing);
    }
    for path in ["attachment/you", "attachment/you/details"] {
        let message = "No attachment with name \"you\" found";
        get(&server, path).assert_error(404, "OTHER", message);
    }
}
