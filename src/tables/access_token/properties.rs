//! The records of access tokens on a bad disk.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any};

use super::{VERSION, decode, encode};
use crate::clock::Timestamp;
use crate::domain::access_token::{AccessToken, AccessTokenId, TenantPermission};
use crate::storage::codec::Encoder;
use crate::storage::codec::properties::{check, check_time, text, texts, timestamp};

/// What an access token has, since tokens themselves are not compared.
type Fields = (
    String,
    String,
    bool,
    Vec<TenantPermission>,
    Option<Timestamp>,
);

fn fields(token: AccessToken) -> Fields {
    (
        token.id.reveal().to_owned(),
        token.application,
        token.master,
        token.tenant_permissions,
        token.expires_on,
    )
}

fn token((id, application, master, tenant_permissions, expires_on): Fields) -> AccessToken {
    AccessToken {
        id: AccessTokenId::new(id).expect("it is not empty"),
        application,
        master,
        tenant_permissions,
        expires_on,
    }
}

#[test]
fn access_tokens_are_what_they_were() {
    let ids = text().prop_filter("an id is not empty", |id| !id.is_empty());
    let permissions = (text(), texts()).prop_map(|(tenant, allowed_actions)| TenantPermission {
        allowed_actions,
        tenant,
    });
    let all = (
        ids,
        text(),
        any::<bool>(),
        vec(permissions, 0..4),
        option::of(timestamp()),
    );
    check(
        all,
        |fields| encode(&token(fields.clone())),
        |record| decode(record).map(fields),
    );
}

#[test]
fn long_access_tokens_take_their_share_of_time() {
    let up_to_the_permissions = Encoder::new(VERSION).text("id").text("shop").bool(true);
    check_time(&up_to_the_permissions.finish(), decode);
}
