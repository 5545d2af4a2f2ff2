//! The records of profiles on a bad disk.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any};

use super::{
    LoginBlock, VERSION, decode, decode_login_block, decode_owner, decode_status, encode,
    encode_login_block, encode_owner,
};
use crate::domain::object_id::ObjectId;
use crate::domain::password::PasswordHash;
use crate::domain::profile::Profile;
use crate::property::assert_holds;
use crate::storage::codec::Encoder;
use crate::storage::codec::properties::{check, check_time, json_object, text, texts, timestamp};
use crate::tables::properties::{object_id, tenant_name};

const ID: ObjectId = ObjectId::from_bytes([5; 12]);

fn profiles() -> impl Strategy<Value = Profile> + Clone {
    let password = any::<([u8; 32], [u8; 16])>();
    let password = password.prop_map(|(hash, salt)| PasswordHash::new(hash, salt));
    let texts_and_flags = (text(), text(), texts(), any::<bool>(), any::<bool>());
    let times = (timestamp(), timestamp());
    let rest = (tenant_name(), option::of(password), json_object());
    (texts_and_flags, times, rest).prop_map(|(texts_and_flags, times, rest)| {
        let (username, email, roles, verified, enabled) = texts_and_flags;
        let (created_on, last_modified) = times;
        let (tenant, password, attributes) = rest;
        Profile {
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
        }
    })
}

#[test]
fn profiles_are_what_they_were() {
    check(profiles(), encode, |record| decode(ID, record));
}

#[test]
fn a_status_is_that_of_the_whole_record() {
    assert_holds(profiles(), |profile| {
        assert_eq!(decode_status(&encode(&profile)), Ok(profile.status()));
    });
    assert_holds(vec(any::<u8>(), 0..200), |bytes| {
        let _ = decode_status(&bytes);
    });
}

#[test]
fn login_blocks_are_what_they_were() {
    let blocks = any::<bool>().prop_map(|gone| {
        if gone {
            LoginBlock::Gone
        } else {
            LoginBlock::Disabled
        }
    });
    check(
        blocks,
        |block| encode_login_block(*block),
        decode_login_block,
    );
}

#[test]
fn owners_of_usernames_are_what_they_were() {
    check(object_id(), encode_owner, decode_owner);
}

#[test]
fn long_profiles_take_their_share_of_time() {
    let up_to_the_roles = Encoder::new(VERSION)
        .text("default")
        .text("jdoe")
        .bool(false)
        .text("")
        .bool(true)
        .bool(true)
        .bytes(&[0; 16]);
    let no_roles = 0_u32.to_le_bytes();
    check_time(&up_to_the_roles.finish(), |record| decode(ID, record));
    let up_to_the_attributes = Encoder::new(VERSION)
        .text("default")
        .text("jdoe")
        .bool(false)
        .text("")
        .bool(true)
        .bool(true)
        .bytes(&[0; 16])
        .bytes(&no_roles);
    check_time(&up_to_the_attributes.finish(), |record| decode(ID, record));
}
