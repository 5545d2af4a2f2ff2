//! The records of profiles on a bad disk.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any};

use super::{
    StoredProfile, VERSION, decode_head, decode_owner, decode_parts, encode, encode_owner, verify,
};
use crate::domain::attributes::Attributes;
use crate::domain::object_id::ObjectId;
use crate::domain::password::PasswordHash;
use crate::domain::profile::Profile;
use crate::property::{assert_holds, assert_linear};
use crate::storage::codec::Encoder;
use crate::storage::codec::properties::{check, json_object, text, texts, timestamp};
use crate::tables::properties::{object_id, tenant_name};

const ID: ObjectId = ObjectId::from_bytes([5; 12]);

fn profiles() -> impl Strategy<Value = StoredProfile> + Clone {
    let password = any::<([u8; 32], [u8; 16])>();
    let password = password.prop_map(|(hash, salt)| PasswordHash::new(hash, salt));
    let attributes = json_object().prop_map(|map| Attributes::from(&map));
    let texts_and_flags = (text(), text(), any::<bool>(), any::<bool>());
    let numbers = (timestamp(), timestamp(), any::<u64>(), any::<u64>());
    let rest = (
        tenant_name(),
        option::of(password),
        option::of(texts()),
        option::of(attributes),
    );
    (texts_and_flags, numbers, rest).prop_map(|(texts_and_flags, numbers, rest)| {
        let (username, email, verified, enabled) = texts_and_flags;
        let (created_on, last_modified, era, tenant_revision) = numbers;
        let (tenant, password, roles, attributes) = rest;
        StoredProfile {
            profile: Profile {
                id: ID,
                username,
                password,
                email,
                verified,
                enabled,
                created_on,
                last_modified,
                tenant,
                roles,
                attributes,
            },
            era,
            tenant_revision,
        }
    })
}

fn encoded(stored: &StoredProfile) -> Vec<u8> {
    encode(&stored.profile, stored.era, stored.tenant_revision)
}

#[test]
fn profiles_are_what_they_were() {
    check(profiles(), encoded, |record| verify(ID, record));
}

#[test]
fn a_head_is_that_of_the_whole_record() {
    assert_holds(profiles(), |stored| {
        let record = encoded(&stored);
        let head = decode_head(&record).expect("it decodes");
        let profile = &stored.profile;
        assert_eq!(
            (head.enabled, &head.tenant),
            (profile.enabled, &profile.tenant)
        );
        assert_eq!(head.username, profile.username);
        let numbers = (head.era, head.tenant_revision);
        assert_eq!(numbers, (stored.era, stored.tenant_revision));
    });
    assert_holds(vec(any::<u8>(), 0..200), |bytes| {
        let _ = decode_head(&bytes);
    });
}

#[test]
fn parts_are_those_of_the_whole_record() {
    assert_holds(profiles(), |stored| {
        let record = encoded(&stored);
        let parts = decode_parts(&record).expect("it decodes");
        let profile = &stored.profile;
        assert_eq!(Some(parts.head.clone()), decode_head(&record).ok());
        assert_eq!(
            (parts.email, parts.verified),
            (profile.email.as_str(), profile.verified)
        );
        let times = (parts.created_on, parts.last_modified);
        assert_eq!(times, (profile.created_on, profile.last_modified));
        let roles: Option<Vec<_>> = parts.roles().map(Iterator::collect);
        let expected = profile.roles.as_ref();
        assert_eq!(
            roles,
            expected.map(|roles| roles.iter().map(String::as_str).collect())
        );
        let attributes: Option<Vec<_>> = parts.attributes().map(Iterator::collect);
        let expected = profile.attributes.as_ref();
        assert_eq!(
            attributes,
            expected.map(|attributes| attributes.iter().collect())
        );
        for length in 0..record.len() {
            assert!(decode_parts(&record[..length]).is_err());
        }
    });
    assert_holds(vec(any::<u8>(), 0..200), |bytes| {
        if let Ok(parts) = decode_parts(&bytes) {
            let _ = parts.roles().map(Iterator::count);
            let _ = parts.attributes().map(Iterator::count);
        }
    });
}

#[test]
fn owners_of_usernames_are_what_they_were() {
    check(object_id(), encode_owner, decode_owner);
}

#[test]
fn long_profiles_take_their_share_of_time() {
    let all_flags = 0b1_1011;
    let up_to_the_roles = Encoder::new(VERSION)
        .bytes(&[all_flags])
        .varint_bytes(b"default")
        .varint(0)
        .varint(0)
        .varint_bytes(b"jdoe")
        .varint_bytes(b"")
        .bytes(&[0; 16]);
    let up_to_the_roles = up_to_the_roles.finish();
    let no_roles = [0];
    let up_to_the_attributes = [up_to_the_roles.as_slice(), &no_roles].concat();
    for start in [up_to_the_roles, up_to_the_attributes] {
        for piece in [&[0][..], &[1, b'x'], &[4, b'n', b'u', b'l', b'l']] {
            let record = |size: usize| {
                let count = size / piece.len();
                let start = Encoder::behind(start.clone()).varint(count as u64);
                start.bytes(&piece.repeat(count)).finish()
            };
            assert_linear("records", 4_096, record, |record| {
                let _ = verify(ID, record);
            });
        }
    }
}
