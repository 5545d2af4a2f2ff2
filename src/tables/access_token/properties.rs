//! The records of access tokens on a bad disk.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any};

use super::{SealedId, StoredToken, VERSION, decode, encode};
use crate::domain::access_token::{AccessToken, TenantPermission};
use crate::storage::codec::Encoder;
use crate::storage::codec::properties::{check, check_time, text, texts, timestamp};

#[test]
fn access_tokens_are_what_they_were() {
    let ids = (any::<u32>(), vec(any::<u8>(), 0..80));
    let ids = ids.prop_map(|(key, sealed)| SealedId { key, sealed });
    let permissions = (text(), texts()).prop_map(|(tenant, allowed_actions)| TenantPermission {
        allowed_actions,
        tenant,
    });
    let tokens = (
        text(),
        any::<bool>(),
        vec(permissions, 0..4),
        option::of(timestamp()),
    );
    let tokens =
        tokens.prop_map(
            |(application, master, tenant_permissions, expires_on)| AccessToken {
                application,
                master,
                tenant_permissions,
                expires_on,
                has_all_attributes: false,
            },
        );
    let stored = (any::<u64>(), ids, tokens);
    let stored = stored.prop_map(|(order, id, token)| StoredToken { order, id, token });
    let encode = |stored: &StoredToken| encode(stored.order, &stored.id, &stored.token);
    check(stored, encode, decode);
}

#[test]
fn long_access_tokens_take_their_share_of_time() {
    let head = Encoder::new(VERSION)
        .varint(1)
        .varint(1)
        .varint_bytes(b"id");
    let up_to_the_permissions = head.text("shop").bool(true);
    check_time(&up_to_the_permissions.finish(), decode);
}
